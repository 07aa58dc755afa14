"""What is told of Bailian and of other services that answer, and of their models."""

from __future__ import annotations

PAIRS = (
    (
        "{option:w} needs a backend that can do both, such as bailian; {name:q} cannot",
        "{option} 需要批量和实时都支持的后端，例如 bailian；{name} 不支持",
    ),
    ("a round that another backend finishes needs that backend", "由另一个后端收尾的一轮需要那个后端"),
    (
        "it may have been submitted, and the backend can no longer tell; it may have been paid",
        "它可能已经提交，而后端已无法查明；可能已经付费",
    ),
    ("{host:t} (Batch Chat, half price)", "{host}（Batch Chat，半价）"),
    ("{host:w} (Bailian, {region:w})", "{host}（百炼，{region}）"),
    ("{name:w} needs an API key; set DASHSCOPE_API_KEY", "{name} 需要 API 密钥；请设置 DASHSCOPE_API_KEY"),
    ("{where:s} needs an API key; set DASHSCOPE_API_KEY", "{where}需要 API 密钥；请设置 DASHSCOPE_API_KEY"),
    ("the API key could not be read ({error:w}); set it again", "未能读取 API 密钥（{error}）；请重新设置"),
    (
        "the API key holds a character that no key has, such as a space or a quote; copy it again",
        "API 密钥里有密钥不会有的字符，例如空格或引号；请重新复制",
    ),
    (
        "the API key is empty now; set it again, such as DASHSCOPE_API_KEY",
        "API 密钥现在是空的；请重新设置，例如 DASHSCOPE_API_KEY",
    ),
    ("there is no key", "没有密钥"),
    ("the key is empty", "密钥是空的"),
    (
        "the backend is {own:w} and base_url is {given:w}; give one of the two",
        "后端是 {own}，而 base_url 是 {given}；请只给出其中之一",
    ),
    (
        "{name:w} is followed by parameters only, such as {example:w}; for a server of your own set base_url",
        "{name} 后面只能有参数，例如 {example}；自己的服务器请设 base_url",
    ),
    ("{name:w}: there is no parameter {parameter:q}; {hint:t}", "{name}：没有参数 {parameter}；{hint}"),
    ("did you mean {meant:q}?", "是不是想写 {meant}？"),
    ("known parameters: {known:l}", "已知的参数：{known}"),
    (
        "{name:w}: workspace is for Bailian, and base_url is {given:w}; leave one of the two out",
        "{name}：workspace 用于百炼，而 base_url 是 {given}；请去掉其中之一",
    ),
    (
        "{name:w}: {parameter:w} must be {wanted:t}; {given:t} is not usable",
        "{name}：{parameter} 应当是：{wanted}；{given} 不可用",
    ),
    ("the given value", "给出的值"),
    ("a path such as /v1/chat/completions", "/v1/chat/completions 这样的路径"),
    (
        "http://host:port without a user or password (for those set HTTPS_PROXY)",
        "http://host:port，不含用户名和密码（需要它们时请设 HTTPS_PROXY）",
    ),
    ("list or none", "list 或 none"),
    ("auto or httpx", "auto 或 httpx"),
    ("yes or no", "yes 或 no"),
    ("the id of a workspace", "工作空间的 id"),
    ("the path of a readable PEM file with certificates", "可读的 PEM 证书文件的路径"),
    ("{where:t} must be the URL of an API, {rest:s}", "{where} 应当是 API 的地址，{rest}"),
    ("{where:t} must be the URL of an API, such as {url:w}", "{where} 应当是 API 的地址，例如 {url}"),
    ("such as {url:w}; the one given cannot be read", "例如 {url}；给出的地址无法读取"),
    ("such as {url:w}, without a user, password or key in it", "例如 {url}，其中不含用户名、密码和密钥"),
    ("such as {url:w}; it needs http:// or https:// and a host", "例如 {url}；需要 http:// 或 https:// 和主机名"),
    ("such as {url:w}, with nothing behind a ? or #", "例如 {url}，不含 ? 和 # 以及它们后面的内容"),
    ("such as {url:w}, without the end {end:w}", "例如 {url}，末尾不含 {end}"),
    (
        "{name:w}: timeout must be {least:w} to {most:w} seconds, not {given:w}",
        "{name}：timeout 应当是 {least} 到 {most} 秒，而不是 {given}",
    ),
    (
        "{name:w}: concurrency must be {most:w} or less, not {given:w}",
        "{name}：concurrency 不能超过 {most}，而给出的是 {given}",
    ),
    (
        "{name:w}: Bailian has no batches in {region:w}; choose --realtime or cn-beijing",
        "{name}：百炼在 {region} 没有批量；请用 --realtime 或 cn-beijing",
    ),
    (
        (
            "base URL {url:w} does not say where DashScope's own protocol is: give one that ends on {first:w} or "
            "{second:w}"
        ),
        "从 base URL {url} 看不出 DashScope 自己的协议在哪里：请给出以 {first} 或 {second} 结尾的地址",
    ),
    (
        "base URL {url} is not a URL: give one like https://host:port/v1",
        "base URL {url} 不是地址：请写成 https://host:port/v1",
    ),
    (
        "region {region:q} is not one of Bailian's: use {regions:l}, or give a base URL",
        "百炼没有地域 {region}：可用的有：{regions}，或给出 base URL",
    ),
    (
        "region {region:w} is reached on a workspace's domain only: give workspace=ID",
        "地域 {region} 只能通过工作空间的域名访问：请给出 workspace=ID",
    ),
    (
        "workspace {workspace:q} is not a workspace id: letters, digits, '-' and '_' only",
        "workspace {workspace} 不是工作空间的 id：只能有字母、数字、'-' 和 '_'",
    ),
    (
        "Batch Chat is in cn-beijing only, not in {region:w}: change the region or give a base URL",
        "Batch Chat 只在 cn-beijing 提供，{region} 没有：请更换地域，或给出 base URL",
    ),
    (
        "Batch Chat is not offered on workspace domains: leave workspace out, the key has its own",
        "工作空间的域名不提供 Batch Chat：请去掉 workspace，密钥自有所属的工作空间",
    ),
    (
        "realtime calls to Bailian need the DashScope SDK: {install}; or use --backend openai-chat",
        "实时调用百炼需要 DashScope SDK：{install}；或使用 --backend openai-chat",
    ),
    (
        "the DashScope SDK that is installed does not suit; {install}",
        "已安装的 DashScope SDK 不合适；请运行 {install}",
    ),
    (
        "{why:t}; a server without it is reached with --backend openai-chat",
        "{why}；没有它的服务器请用 --backend openai-chat 访问",
    ),
    (
        "extra_body cannot set {names:l} through the DashScope SDK; remove it, or use openai-chat",
        "extra_body 不能通过 DashScope SDK 设置 {names}；请去掉它，或使用 openai-chat",
    ),
    ("{where:t} answers and takes the key", "{where} 有回应，并接受密钥"),
    ("{where:t} answers; it has no list of models", "{where} 有回应；它没有模型列表"),
    ("{where:t} answers and lists {models:n} models", "{where} 有回应，列出 {models} 个模型"),
    ("{where:t} answers and names {models:n} models", "{where} 有回应，列出 {models} 个模型"),
    ("{where:t} answers and lists its batches (there are some)", "{where} 有回应，可列出批次（已有一些）"),
    ("{where:t} answers and lists its batches (none yet)", "{where} 有回应，可列出批次（还没有）"),
    (
        "{where:t} answers, but not in the form of the OpenAI protocol: look at base_url",
        "{where} 有回应，但不是 OpenAI 协议的格式：请检查 base_url",
    ),
    ("{where:t} answers", "{where} 有回应"),
    (
        "model {model:w} is not in the catalogue: it is asked all the same, but what it can and costs is not known",
        "目录里没有模型 {model}：照样会向它提问，但不知道它的能力和价格",
    ),
    (
        "model {model:w} is not in the catalogue by itself: what is known is that of {other:w}",
        "目录里没有模型 {model} 本身：已知的是 {other} 的情况",
    ),
    ("model {model:w} was retired on {date:w} ({why:gt})", "模型 {model} 已于 {date} 下线（{why}）"),
    (
        "model {model:w} was retired on {date:w} ({why:gt}); sources differ, so it may still answer",
        "模型 {model} 已于 {date} 下线（{why}）；各处说法不一，它也许仍会回答",
    ),
    ("model {model:w} is to be retired on {date:w} ({why:gt})", "模型 {model} 将于 {date} 下线（{why}）"),
    (
        "model {model:w} is to be retired on {date:w} ({why:gt}); sources differ, so it may still answer",
        "模型 {model} 将于 {date} 下线（{why}）；各处说法不一，它也许仍会回答",
    ),
    ("the Batch API in {region:w}", "{region} 的 Batch API"),
    ("Batch Chat in {region:w}", "{region} 的 Batch Chat"),
    ("the Batch API", "Batch API"),
    (
        "{what:t} does not exist in {region:w}: use cn-beijing or ap-southeast-1, or realtime",
        "{region} 没有 {what}：请用 cn-beijing 或 ap-southeast-1，或实时",
    ),
    (
        "{what:t} does not exist in {region:w}: use cn-beijing, or realtime",
        "{region} 没有 {what}：请用 cn-beijing，或实时",
    ),
    (
        "model {model:w} is in no list of models of {what:t}: it may be refused",
        "{what} 的模型列表里都没有 {model}：可能会被拒绝",
    ),
    (
        "model {model:w} is no longer offered by {what:t} ({why:g}): it may be refused",
        "{what} 不再提供模型 {model}（{why}）：可能会被拒绝",
    ),
    (
        "sources differ on whether {what:t} offers model {model:w} ({why:g})",
        "{what} 是否提供模型 {model}，各处说法不一（{why}）",
    ),
    (
        "model {model:w} always thinks, and bills its thoughts as output: it cannot be switched off",
        "模型 {model} 总会思考，思考按输出计费：无法关闭",
    ),
    (
        "model {model:w} cannot think: asked to, it may refuse or just answer",
        "模型 {model} 不会思考：要求它思考时，它可能拒绝，也可能直接回答",
    ),
    ("model {model:w} thinks in streamed calls only: not in batches", "模型 {model} 只在流式调用中思考，批量中不会"),
    (
        "model {model:w} is in no list of models that have response format {format:w}",
        "支持回答格式 {format} 的模型列表里都没有 {model}",
    ),
    (
        "model {model:w} is no longer listed as having response format {format:w}",
        "模型 {model} 不再列为支持回答格式 {format}",
    ),
    (
        "model {model:w} has response format {format:w} without thinking only",
        "模型 {model} 只在不思考时支持回答格式 {format}",
    ),
)
