"""What is wrong with settings, their files, addresses and plugins."""

from __future__ import annotations

PAIRS = (
    (
        "--clean-remote deletes the files of a batch, and --realtime makes none; leave one out",
        "--clean-remote 用来删除批次的文件，而 --realtime 不会产生批次；请去掉其中一个",
    ),
    (
        "{name:w} is {value:gt} ({source:t}): {why:s}; it must be {wanted:t}",
        "{name} 是 {value}（{source}）：{why}；应当是：{wanted}",
    ),
    ("{name:w} is {value:t}: {why:s}; it must be {wanted:t}", "{name} 是 {value}：{why}；应当是：{wanted}"),
    ("{name:w} cannot stand in it", "{name} 不能放在里面"),
    ("its json_schema holds no schema", "其中的 json_schema 没有 schema"),
    ("that is no JSON schema", "那不是 JSON schema"),
    ("that is no JSON object", "那不是 JSON 对象"),
    ("that file is larger than {bytes:n} bytes", "那个文件超过 {bytes} 字节"),
    ("that file cannot be read: {why:t}", "那个文件无法读取：{why}"),
    ("{name:w} is {value:gt} ({source:t}); it must be {wanted:t}", "{name} 是 {value}（{source}）；应当是：{wanted}"),
    ("{name:w} is {value:t}; it must be {wanted:t}", "{name} 是 {value}；应当是：{wanted}"),
    ("{name:w} cannot be used ({source:t}); it must be {wanted:t}", "{name} 无法使用（{source}）；应当是：{wanted}"),
    ("{name:w} cannot be used; it must be {wanted:t}", "{name} 无法使用；应当是：{wanted}"),
    (
        "{name:w} holds an API key ({source:t}), and is shown and stored; leave the key to api_key",
        "{name} 里有 API 密钥（{source}），而它会被显示和存储；密钥只能放在 api_key 里",
    ),
    (
        "{name:w} holds an API key, and is shown and stored; leave the key to api_key",
        "{name} 里有 API 密钥，而它会被显示和存储；密钥只能放在 api_key 里",
    ),
    ("a number of more than {digits:n} digits", "超过 {digits} 位的数"),
    ("a table", "表"),
    ("a list", "列表"),
    ("a date or time", "日期或时间"),
    ("of the type {type:w}", "{type} 类型"),
    (
        "a key without space inside and of ASCII characters only, or a function that returns one",
        "中间没有空格、只含 ASCII 字符的密钥，或返回密钥的函数",
    ),
    (
        "the name or address of a backend, such as bailian or fake:?seed=7",
        "后端的名字或地址，例如 bailian 或 fake:?seed=7",
    ),
    (
        "json_object, a JSON schema, or the path of a .json file that holds one",
        "json_object、一个 JSON schema，或含有它的 .json 文件的路径",
    ),
    (
        "a table or a JSON object of what else a request holds, such as top_k",
        "一个表或 JSON 对象，写明请求里另外要放的内容，例如 top_k",
    ),
    ("realtime or no", "realtime 或 no"),
    (
        "stalled, or a whole number of minutes, hours or days from 30m to 336h (14d)",
        "stalled，或 30m 到 336h（14d）之间的整数分钟、小时或天",
    ),
    (
        "an http or https URL with a host, without user, password, ? or #",
        "带主机名的 http 或 https 地址，不含用户名、密码、? 和 #",
    ),
    ("letters, digits and '-', such as cn-beijing", "字母、数字和 '-'，例如 cn-beijing"),
    ("the name of a model, such as qwen-plus, without space in it", "模型的名字，中间没有空格，例如 qwen-plus"),
    ("true, false or auto (by the number of requests)", "true、false 或 auto（由请求数决定）"),
    ("a whole number of hours or days from 24h to 336h (1d to 14d)", "24h 到 336h（1d 到 14d）之间的整数小时或整数天"),
    ("the path of a folder", "文件夹的路径"),
    ("the path of a file", "文件的路径"),
    ("the address of a storage, such as file:batch_jobs", "存储的地址，例如 file:batch_jobs"),
    (
        "a name that can be a folder's: up to 80 letters, digits, '.', '_' and '-', a letter or digit first",
        "可以作文件夹名的名字：最多 80 个字母、数字、'.'、'_' 和 '-'，以字母或数字开头",
    ),
    ("the name of a recipe, such as instruct", "配方的名字，例如 instruct"),
    ("auto, zh or en", "auto、zh 或 en"),
    ("auto, en or zh", "auto、en 或 zh"),
    ("auto, always or never", "auto、always 或 never"),
    ("a whole number from {least:n} to {most:n}", "{least} 到 {most} 之间的整数"),
    ("a number of MB above 0 and at most {most:n}", "大于 0 且不大于 {most} 的数（单位 MB）"),
    ("a number of at least 0 and below 2", "不小于 0 且小于 2 的数"),
    ("a number above 0 and at most 1", "大于 0 且不大于 1 的数"),
    ("a number of seconds above 0 and at most 86400 (a day)", "大于 0 且不大于 86400（一天）的秒数"),
    ("the name of an output format, such as jsonl", "输出格式的名字，例如 jsonl"),
    ("(not set)", "（未设置）"),
    (
        (
            "no backend is named and there is no key: set DASHSCOPE_API_KEY, or choose the backend `fake` "
            "(--backend fake) to try everything offline, without a key and for free"
        ),
        (
            "没有指定后端，也没有密钥：请设置 DASHSCOPE_API_KEY，或选择后端 `fake`（--backend fake），离线试用全部"
            "功能，无需密钥，也不收费"
        ),
    ),
    (
        (
            "thinking_budget is set, and enable_thinking is not; set enable_thinking (--thinking) as well, or leave "
            "thinking_budget out"
        ),
        "设了 thinking_budget 却没有设 enable_thinking；请同时设 enable_thinking（--thinking），或去掉 thinking_budget",
    ),
    (
        "after is set, and finish is not; set finish (--finish realtime) as well, or leave after out",
        "设了 after 却没有设 finish；请同时设 finish（--finish realtime），或去掉 after",
    ),
    (
        (
            "finish is for batches, and everything is asked in realtime (--realtime, USE_BATCH or use_batch); leave "
            "one of the two out"
        ),
        "finish 用于批量，而现在全部实时询问（--realtime、USE_BATCH 或 use_batch）；请去掉其中之一",
    ),
    (
        (
            "there is no setting {name} ({source:t}); settings stand at the top of the file, one `name = value` a "
            "line, in no [table]"
        ),
        "没有设置 {name}（{source}）；设置写在文件开头，每行一个 `名字 = 值`，不放进任何 [表]",
    ),
    ("there is no setting {name} ({source:t}); known: {known:l}", "没有设置 {name}（{source}）；已知的有：{known}"),
    (
        "there is no setting {name} ({source:t}); did you mean {meant}?",
        "没有设置 {name}（{source}）；是不是想写 {meant}？",
    ),
    (
        "the function given as api_key returned no key; it must be a plain function that returns the key as a text",
        "作为 api_key 给出的函数没有返回密钥；它应当是返回密钥文本的普通函数",
    ),
    (
        "the function given as api_key is an async one; it must be a plain function that returns the key as a text",
        "作为 api_key 给出的函数是异步的；它应当是返回密钥文本的普通函数",
    ),
    (
        "the function given as api_key raised {error}; it must be a plain function that returns the key as a text",
        "作为 api_key 给出的函数抛出了 {error}；它应当是返回密钥文本的普通函数",
    ),
    ("{name} is not there; name a file that is", "{name} 不存在；请指定存在的文件"),
    ("{name} is not valid TOML: {why:t}", "{name} 不是有效的 TOML：{why}"),
    (
        "{name} is not a file of settings; write one `name = value` a line",
        "{name} 不是设置文件；请每行写一个 `名字 = 值`",
    ),
    ("{name} is a folder; settings are read from a file", "{name} 是一个文件夹；设置要从文件读取"),
    (
        "{name} is larger than {bytes:n} bytes; it cannot be a file of settings",
        "{name} 超过 {bytes} 字节，不可能是设置文件",
    ),
    (
        "{name} line {line:n} is not UTF-8 text; save the file as UTF-8",
        "{name} 第 {line} 行不是 UTF-8 文本；请把文件存为 UTF-8",
    ),
    (
        "{place:t} cannot be read; write NAME=value, with both quotation marks or none",
        "{place} 无法读取；请写成 名字=值，引号要么成对，要么不写",
    ),
    ("this is no path", "这不是一个路径"),
    (
        "{setting:s} holds a control character; write it on one line, such as fake:?seed=7",
        "{setting}里有控制字符；请写在一行之内，例如 fake:?seed=7",
    ),
    (
        (
            "an address never holds a key, because it is shown and stored: leave it out, and set the key in the "
            "environment (such as DASHSCOPE_API_KEY)"
        ),
        "地址会被显示和存储，绝不能含有密钥：请去掉它，把密钥放进环境变量（例如 DASHSCOPE_API_KEY）",
    ),
    ("{setting:s} has a user:password@ in it; {why:s}", "{setting} 里有“用户名:密码@”；{why}"),
    ("{setting:s} has a parameter {name}; {why:s}", "{setting} 有参数 {name}；{why}"),
    (
        "{setting:s} cannot be read: after `?` write name=value, joined by `&`",
        "{setting} 无法读取：`?` 后面请写 名字=值，用 `&` 连接",
    ),
    ("{setting:s} gives {name} twice", "{setting} 里 {name} 给出了两次"),
    (
        "{setting:s} file:{location} names a computer; write file:{path} or file:///{path}",
        "{setting} file:{location} 里写了计算机名；请写 file:{path} 或 file:///{path}",
    ),
    (
        "{setting:s} file:{location} names the folder of a user who is not known here; write its path",
        "{setting} file:{location} 指向一个本机未知用户的文件夹；请写出它的路径",
    ),
    (
        (
            "the backend {address} works in {way:s} only, and {asked:s} is asked for (--{flag}, USE_BATCH or "
            "use_batch); change one of the two"
        ),
        "后端 {address} 只支持{way}，而设置要求{asked}（--{flag}、USE_BATCH 或 use_batch）；请修改其中之一",
    ),
    ("the backend", "后端"),
    ("the storage", "存储"),
    ("the recipe", "配方"),
    ("the writer", "输出格式"),
    ("backend", "后端"),
    ("storage", "存储"),
    ("recipe", "配方"),
    ("writer", "输出格式"),
    ("reader", "读取器"),
    ("output format", "输出格式"),
    ("the backend {name:q}", "后端 {name}"),
    ("the storage {name:q}", "存储 {name}"),
    ("the recipe {name:q}", "配方 {name}"),
    ("the writer {name:q}", "输出格式 {name}"),
    ("the reader {name:q}", "读取器 {name}"),
    ("{plugin:s} of the package {package}", "{plugin}（来自软件包 {package}）"),
    ("{plugin:s} needs another package: {command}", "{plugin} 需要另装软件包：{command}"),
    ("{plugin:s} cannot be used: it is {what:t}, not a function", "{plugin} 无法使用：它是 {what}，不是函数"),
    (
        "{plugin:s} cannot be used: it returned {what:t}, which is no {wanted:t}: it has no {lacking:l}",
        "{plugin} 无法使用：它返回的 {what} 不是 {wanted}，缺少 {lacking}",
    ),
    (
        "{plugin:s} cannot be used: it offers {what:t}, which is no {wanted:t}: it has no {lacking:l}",
        "{plugin} 无法使用：它提供的 {what} 不是 {wanted}，缺少 {lacking}",
    ),
    (
        "{plugin:s} cannot be used: it is {what:t}, which is no {wanted:t}: it has no {lacking:l}",
        "{plugin} 无法使用：它是 {what}，不是 {wanted}，缺少 {lacking}",
    ),
    (
        "{plugin:s} cannot be used: it calls itself {own:t}; both names must be the same",
        "{plugin} 无法使用：它自称 {own}；两个名字必须相同",
    ),
    ("{plugin:s} cannot be used: {why:t}", "{plugin} 无法使用：{why}"),
    ("{source} could not be read by {plugin:s}: {error:t}", "{plugin} 未能读取 {source}：{error}"),
    ("TypeError: it gave a {type:w}, not a Paper", "它给出的是 {type}，不是 Paper"),
    ("something of the type {type:w}", "{type} 类型的对象"),
    ("there is no {kind:s} {name:q}; known: {known:l}", "没有{kind} {name}；已知的有：{known}"),
    (
        "there is no {kind:s} {name}; known: {known:l}; for a folder write {address}",
        "没有{kind} {name}；已知的有：{known}；若是文件夹，请写 {address}",
    ),
    ("there is no reader for {suffix}; known: {known:l}", "没有能读取 {suffix} 文件的读取器；已知的有：{known}"),
    (
        "the {kind:s} {name:q} is offered by {packages:t}; uninstall all but one of them",
        "{kind} {name} 由多个软件包提供：{packages}；请只保留其中一个",
    ),
    ("{first:w} and {second:w}", "{first} 和 {second}"),
    ("{first:w} and {second:w} and {third:w}", "{first}、{second} 和 {third}"),
)
