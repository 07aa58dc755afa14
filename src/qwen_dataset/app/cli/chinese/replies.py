"""What is told of calls, answers and batches of real services."""

from __future__ import annotations

PAIRS = (
    ("no reply came", "没有得到回应"),
    ("the service answered HTTP {status:n}; {mend:s}", "服务的回应是 HTTP {status}；{mend}"),
    ("the service answered HTTP {status:n} {code:w}; {mend:s}", "服务的回应是 HTTP {status} {code}；{mend}"),
    ("the service answered HTTP {status:n}: {words:g}; {mend:s}", "服务的回应是 HTTP {status}：{words}；{mend}"),
    ("the service answered {code:w}: {words:g}; {mend:s}", "服务的回应是 {code}：{words}；{mend}"),
    (
        "the service answered HTTP {status:n} {code:w}: {words:g}; {mend:s}",
        "服务的回应是 HTTP {status} {code}：{words}；{mend}",
    ),
    ("the service answered HTTP {status:n}", "服务的回应是 HTTP {status}"),
    ("the service answered {label:w}", "服务的回应是 {label}"),
    ("the service answered HTTP {status:n} {code:w}", "服务的回应是 HTTP {status} {code}"),
    ("the service answered HTTP {status:n}: {words}", "服务的回应是 HTTP {status}：{words}"),
    ("the service answered {code:w}: {words}", "服务的回应是 {code}：{words}"),
    ("the service answered HTTP {status:n} {code:w}: {words}", "服务的回应是 HTTP {status} {code}：{words}"),
    ("{mend:s}, then resume", "{mend}，然后运行 resume"),
    (
        "check the API key (DASHSCOPE_API_KEY) and that it belongs to this region",
        "请检查 API 密钥（DASHSCOPE_API_KEY）以及它是否属于这个地域",
    ),
    ("check the workspace id and the base URL", "请检查工作空间的 id 和 base URL"),
    ("settle the account in Bailian's console", "请在百炼控制台结清账户"),
    (
        "the free quota is used up: buy, or switch off 'free tier only' in Bailian's console",
        "免费额度已用完：请购买，或在百炼控制台关闭 'free tier only'",
    ),
    (
        "ask for access to the model in Bailian's console, or use another (a retired model answers so too)",
        "请在百炼控制台申请这个模型的权限，或改用别的模型（已下线的模型也会这样回应）",
    ),
    (
        "check the model's name, and that this region and this way of calling offer it",
        "请检查模型的名字，以及这个地域和这种调用方式是否提供它",
    ),
    (
        "delete files that are no longer needed at the service",
        "请删除服务端不再需要的文件",
    ),
    ("check the key and the address of the server", "请检查密钥和服务器的地址"),
    ("settle the account at the service", "请在服务方结清账户"),
    ("the quota is used up: ask the service for more", "额度已用完：请向服务方申请更多"),
    ("check the model's name, and that this server offers it", "请检查模型的名字，以及这个服务器是否提供它"),
    ("ask the service for access to the model, or use another", "请向服务方申请这个模型的权限，或改用别的模型"),
    ("no answer came from {host:t} ({why:t})", "{host} 没有回应（{why}）"),
    ("no connection to {host:t} ({why:t})", "无法连接 {host}（{why}）"),
    (
        "no connection to {host:t} ({why:t}); for a certificate authority of your own give ca=FILE",
        "无法连接 {host}（{why}）；自己的证书机构请给出 ca=FILE",
    ),
    ("the server", "服务器"),
    ("{host:w} answered {name:w}", "{host} 的回应是 {name}"),
    ("{host:w} cannot be reached ({why:t})", "无法访问 {host}（{why}）"),
    ("{host:w} gave no whole reply ({name:w})", "{host} 没有给出完整的回应（{name}）"),
    ("{host:w} gave no reply", "{host} 没有回应"),
    (
        "its certificate is not trusted: {why}; name your own authority's file with ca=",
        "它的证书不受信任：{why}；请用 ca= 指明自己的证书文件",
    ),
    ("the DashScope SDK could not send this request ({name:w})", "DashScope SDK 未能发送这个请求（{name}）"),
    ("the SDK refused the call: {why}", "SDK 拒绝了这次调用：{why}"),
    ("the reply cannot be read: {shown:t}", "无法读懂回应：{shown}"),
    ("the reply holds no answer: {shown:t}", "回应里没有回答：{shown}"),
    ("the reply is not JSON: {shown:t}", "回应不是 JSON：{shown}"),
    ("a part of the stream is not JSON: {shown:t}", "数据流的一部分不是 JSON：{shown}"),
    ("the stream ended in the middle of the answer: {shown:t}", "数据流在回答中间结束了：{shown}"),
    ("it is empty", "它是空的"),
    ("the line holds no answer", "这一行没有回答"),
    ("the stream ended before the answer did", "数据流在回答结束之前就断了"),
    ("the stream broke off in the middle of the answer: {why:t}", "数据流在回答中间断开：{why}"),
    ("the stream broke off: {why:t}", "数据流断开：{why}"),
    ("no whole answer came in {seconds:w} seconds", "{seconds} 秒内没有得到完整的回答"),
    ("the request cannot be written as JSON, so it was not sent: {why}", "请求无法写成 JSON，因此没有发出：{why}"),
    ("a text holds half a character (a lone surrogate)", "有文本含半个字符（孤立的代理码位）"),
    ("request {id:w} cannot be written as JSON: {why}", "请求 {id} 无法写成 JSON：{why}"),
    ("{name:w} is not open", "{name} 没有打开"),
    ("the connection to {where:t} is closed; enter the backend first", "与 {where} 的连接已关闭；请先打开后端"),
    (
        (
            "{where:t} answered with something that is not the JSON of this API (HTTP {status:n}); look at base_url "
            "and the proxy"
        ),
        "{where} 的回应不是这个 API 的 JSON（HTTP {status}）；请检查 base_url 和代理",
    ),
    (
        (
            "a batch takes one model and one thinking mode, and these requests have several: {first} (thinking) and "
            "{second} (not thinking); run them as separate jobs"
        ),
        (
            "一个批次只能有一个模型和一种思考方式，而这些请求有几种：{first}（思考）和 {second}（不思考）；请分成几个"
            "任务运行"
        ),
    ),
    (
        (
            "a batch takes one model and one thinking mode, and these requests have several: {first} (not thinking) "
            "and {second} (thinking); run them as separate jobs"
        ),
        (
            "一个批次只能有一个模型和一种思考方式，而这些请求有几种：{first}（不思考）和 {second}（思考）；请分成几个"
            "任务运行"
        ),
    ),
    (
        (
            "a batch takes one model and one thinking mode, and these requests have several: {first} (not thinking) "
            "and {second} (not thinking); run them as separate jobs"
        ),
        "一个批次只能有一个模型和一种思考方式，而这些请求有几种：{first} 和 {second}（都不思考）；请分成几个任务运行",
    ),
    (
        (
            "a batch takes one model and one thinking mode, and these requests have several: {first} (thinking) and "
            "{second} (thinking); run them as separate jobs"
        ),
        "一个批次只能有一个模型和一种思考方式，而这些请求有几种：{first} 和 {second}（都思考）；请分成几个任务运行",
    ),
    (
        "the line of request {id:w} has {bytes:n} bytes, and the service takes {most:n} a line; use shorter passages",
        "请求 {id} 的一行有 {bytes} 字节，而服务每行最多接受 {most} 字节；请使用更短的段落",
    ),
    (
        "the service takes {requests:n} requests a batch, and these are more",
        "服务每个批次最多接受 {requests} 个请求，而这里更多",
    ),
    (
        "the service takes {bytes:n} bytes a batch, and these requests have more",
        "服务每个批次最多接受 {bytes} 字节，而这些请求更大",
    ),
    ("there is no request to submit", "没有可提交的请求"),
    ("batch {batch:w} cannot be seen yet", "批次 {batch} 还看不到"),
    ("batch {batch:w} has not ended yet: it is {status:t}", "批次 {batch} 尚未结束：{status}"),
    ("batch {batch:w} has expired before this line ran", "批次 {batch} 已过期，这一行没有运行"),
    ("batch {batch:w} was cancelled before this line ran", "批次 {batch} 已取消，这一行没有运行"),
    (
        "the service does not know batch {batch:w} any more; it may have been paid for",
        "服务已不认识批次 {batch}；可能已经付费",
    ),
    (
        "the service has no result for this request in batch {batch:w} ({status:t}); it may have been paid for",
        "服务在批次 {batch}（{status}）中没有这个请求的结果；可能已经付费",
    ),
    ("the service refused batch {batch:w}: {why:t}", "服务拒绝了批次 {batch}：{why}"),
    ("{reasons:t}; and {more:n} more reasons", "{reasons}；另有 {more} 个原因"),
    ("line {line:n}: {why:t}", "第 {line} 行：{why}"),
    ("lines {lines}: {why:t}", "第 {lines} 行：{why}"),
    ("no reason given", "没有说明原因"),
    (
        (
            "the service has no list of batches ({why:t}), so one whose creation got no reply could not be found "
            "again: check base_url, or add lookup=none to the backend's address to go on without (such a batch then "
            "counts as unknown)"
        ),
        (
            "服务没有批次列表（{why}），创建时没有得到回应的批次就无法再找到：请检查 base_url，或在后端的地址里加 "
            "lookup=none，不用列表继续（这样的批次将算作 unknown）"
        ),
    ),
    (
        (
            "the service keeps neither the metadata of batches nor the names of their files, so one whose creation got "
            "no reply could not be found again: add lookup=none to the backend's address to go on without (such a "
            "batch then counts as unknown)"
        ),
        (
            "服务既不保存批次的 metadata，也不保存文件名，创建时没有得到回应的批次就无法再找到：请在后端的地址里加 "
            "lookup=none，不用它们继续（这样的批次将算作 unknown）"
        ),
    ),
    ("batch {batch:t} cannot be looked at: {why}", "无法查看批次 {batch}：{why}"),
    (
        (
            "this key does not know batch {batch:t}: use the key, the workspace and the address that it was made with, "
            "or add lookup=none to the backend's address to give it up (its requests are then unknown, and may have "
            "been paid for)"
        ),
        (
            "这个密钥下没有批次 {batch}：请使用创建它时的密钥、业务空间和地址；如果要放弃它，在后端的地址里加 "
            "lookup=none（它的请求将算作 unknown，可能已经付费）"
        ),
    ),
    (
        "{where:t} answered the question for batch {batch:t} without a batch",
        "{where} 对批次 {batch} 的查询没有返回批次",
    ),
    ("{where:t} answered with something that is no list of batches", "{where} 返回的不是批次列表"),
    (
        "{where:t} lists an empty page of batches and says that more follow",
        "{where} 返回了空的一页批次，却说后面还有",
    ),
    (
        (
            "{where:t} lists the same batches on every page, so none can be looked up there: add lookup=none to the "
            "backend's address to go on without"
        ),
        "{where} 每一页列出的都是相同的批次，因此无法查找：请在后端的地址里加 lookup=none，不用列表继续",
    ),
    (
        "{where:t} neither knows the batch nor lists its batches ({why:t}): check base_url and region, then resume",
        "{where} 既不认识这个批次，也不列出它的批次（{why}）：请检查 base_url 和 region，然后运行 resume",
    ),
    (
        "{where:t} answered the creation of a batch without saying its id",
        "{where} 回应了批次的创建，却没有给出它的 id",
    ),
    ("{where:t} took the file {name:w} and did not say its id", "{where} 收下了文件 {name}，却没有给出它的 id"),
    ("{where:t} could not read the uploaded file {name:w}: {why:t}", "{where} 未能读取上传的文件 {name}：{why}"),
    ("{id:q} is not the id of a batch", "{id} 不是批次的 id"),
    ("{id:q} is not the id of a file", "{id} 不是文件的 id"),
    (
        (
            "the temporary folder {folder} cannot be written ({why:t}): free space there, or set TMPDIR to another "
            "folder"
        ),
        "临时文件夹 {folder} 无法写入（{why}）：请在那里腾出空间，或把 TMPDIR 设为别的文件夹",
    ),
)
