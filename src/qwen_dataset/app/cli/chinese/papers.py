"""What is wrong with papers and prompts."""

from __future__ import annotations

PAIRS = (
    ("{path} does not exist; name a file or folder of papers", "{path} 不存在；请指定论文文件或文件夹"),
    (
        "the output {output} is one of the papers; choose another --output",
        "输出 {output} 是论文之一；请换一个 --output",
    ),
    (
        "one of the papers is named by an empty text; name a file or folder (. is the current one)",
        "有一项论文的名字是空的；请指定文件或文件夹（. 是当前文件夹）",
    ),
    ("no file fits {pattern}; name a file or folder of papers", "没有文件符合 {pattern}；请指定论文文件或文件夹"),
    ("… and {more:n} more that do not exist", "……另有 {more} 个不存在"),
    ("name PAPERS, or a list of them with --files-from", "请指定论文，或用 --files-from 给出论文的清单"),
    ("the list of papers {file} cannot be read: {why:t}", "无法读取论文清单 {file}：{why}"),
    ("the list of papers {file} names none; write one path a line", "论文清单 {file} 是空的；请每行写一个路径"),
    ("{file} is no list of papers; write one path a line", "{file} 不是论文清单；请每行写一个路径"),
    ("standard input can be read once; name {dash} once", "标准输入只能读取一次；{dash} 只能写一次"),
    ("standard input is closed; name a file", "标准输入已关闭；请指定文件"),
    (
        "standard input cannot be both a paper and the list of --files-from; name a file for one of them",
        "标准输入不能既是论文又是 --files-from 的清单；请为其中之一指定文件",
    ),
    ("stdin holds more than {size}; raise read_size to read it", "stdin 的内容超过 {size}；要读取请调大 read_size"),
    ("{source} is larger than {size}; raise read_size to read it", "{source} 大于 {size}；要读取请调大 read_size"),
    (
        "{source} unpacks to more than {times:n} times its size, as no paper does",
        "{source} 解压后超过自身大小的 {times} 倍，论文不会如此",
    ),
    (
        "{source} unpacks to more than {size}; raise read_size to read it",
        "{source} 解压后超过 {size}；要读取请调大 read_size",
    ),
    ("{source} is cut off: the end of its gzip data is missing", "{source} 不完整：缺少 gzip 数据的末尾"),
    ("{source} is not gzip data, or damaged", "{source} 不是 gzip 数据，或已损坏"),
    ("{where:t} is longer than {size}; raise read_size", "{where} 超过 {size}；要读取请调大 read_size"),
    ("{source} is not there any more", "{source} 已经不在了"),
    ("{source} has a name that no file can have", "{source} 的名字不能作文件名"),
    ("{source} (a link that leaves the folder)", "{source}（指向文件夹之外的链接）"),
    ("part of {main}", "{main} 的一部分"),
    ("a figure", "插图"),
    (
        "{source} could not be read, by a fault of ours ({error}); please report it",
        "{source} 无法读取，这是程序的错误（{error}）；请报告",
    ),
    ("{source} needs more memory than there is and was left out", "{source} 需要的内存超过现有内存，已略过"),
    ("{source} gave a paper that cannot be stored ({error})", "{source} 给出的论文无法存储（{error}）"),
    (
        "{where:t} took longer than {seconds} seconds to read and was left out (read_timeout)",
        "{where} 的读取超过 {seconds} 秒，已略过（read_timeout）",
    ),
    (
        "{where:t} needs more than {most:n} MB of memory to be read and was left out (read_memory)",
        "{where} 的读取需要超过 {most} MB 内存，已略过（read_memory）",
    ),
    (
        "{where:t} ended the process that read it ({how:t}) and was left out",
        "{where} 使读取它的进程中止（{how}），已略过",
    ),
    ("exit code {code:n}", "退出码 {code}"),
    ("it does not answer", "它没有回应"),
    (
        "{where:t} holds more text than a file of its size can and was left out",
        "{where} 的文字比这么大的文件所能容纳的还多，已略过",
    ),
    ("the rest of {source} (after {papers:n} papers)", "{source} 的其余部分（第 {papers} 篇论文之后）"),
    (
        "the rest of {source} was not read, after {records:n} records that could not be",
        "{source} 的其余部分没有读取，因为已有 {records} 条记录无法读取",
    ),
    (
        "no process to read papers in could be started ({why:t}); read_processes = 0 does without",
        "无法启动读取论文的进程（{why}）；设 read_processes = 0 则不用这种进程",
    ),
    (
        "{source} looks like the same paper as {first} in another version; both are read",
        "{source} 看来与 {first} 是同一篇论文的不同版本；两者都已读取",
    ),
    (
        "{source} looks like the same paper as {first} in another format; both are read",
        "{source} 看来与 {first} 是同一篇论文的不同格式；两者都已读取",
    ),
    ("{path} cannot be read: {why:t}", "无法读取 {path}：{why}"),
    (
        "{source} has no reader for {suffix:t}; known: {known:l}",
        "{source}：没有能读取 {suffix} 文件的读取器；已知的有：{known}",
    ),
    ("a name without suffix", "无后缀"),
    ("{source} is not a regular file", "{source} 不是普通文件"),
    ("{source} was found again", "{source} 重复出现"),
    ("{source} is the same paper as {first}", "{source} 与 {first} 是同一篇论文"),
    ("no paper could be read in {where}: {why:t}", "{where} 中没有一篇论文能读取：{why}"),
    (
        "no paper was found in {where}; papers end in {suffixes:l}; ignored: {first:t}",
        "{where} 中没有找到论文；论文的后缀有 {suffixes}；已忽略：{first}",
    ),
    ("no paper was found in {where}; papers end in {suffixes:l}", "{where} 中没有找到论文；论文的后缀有 {suffixes}"),
    ("there is no text under its headings", "标题之下没有正文"),
    ("{source} holds no text", "{source} 里没有文字"),
    ("{source} is not a text file: it holds NUL bytes", "{source} 不是文本文件：含有 NUL 字节"),
    ("{source} is not a text file: it holds NUL characters", "{source} 不是文本文件：含有 NUL 字符"),
    ("{source} is not a text file: it is full of control characters", "{source} 不是文本文件：充满控制字符"),
    ("{source} is not a text file: it is a PDF document", "{source} 不是文本文件：这是一份 PDF 文档"),
    (
        "{source} is not a text file: it begins as {encoding} but byte {byte:n} is not",
        "{source} 不是文本文件：开头是 {encoding}，但第 {byte} 字节不是",
    ),
    (
        (
            "{source} is not a text file in a known encoding: byte {byte:n} is not UTF-8, and the file is not Chinese "
            "GB18030 either; save it as UTF-8"
        ),
        "{source} 不是已知编码的文本文件：第 {byte} 字节不是 UTF-8，整个文件也不是中文 GB18030；请存为 UTF-8",
    ),
    ("the front matter is ignored: {why:t}", "忽略文件头部的元数据：{why}"),
    ("it is larger than 64 KB", "它超过 64 KB"),
    ("it is not valid YAML ({problem} in line {line:n})", "它不是有效的 YAML（第 {line} 行：{problem}）"),
    ("it is not valid YAML (it cannot be parsed)", "它不是有效的 YAML（无法解析）"),
    ("it is not valid YAML ({problem})", "它不是有效的 YAML（{problem}）"),
    ("it has more than {aliases:n} aliases", "它的别名超过 {aliases} 个"),
    ("it is nested too deeply", "它嵌套过深"),
    ("{source:t} is nested too deeply to be read", "{source} 嵌套过深，无法读取"),
    (
        "{source} is empty; a dump of papers has one JSON object a line",
        "{source} 是空的；论文数据文件每行是一个 JSON 对象",
    ),
    ("{where:t} is not JSON: {why:t} (character {at:n})", "{where} 不是 JSON：{why}（第 {at} 个字符）"),
    (
        "{where:t} is not a JSON object but a {type}; a record must be an object",
        "{where} 不是 JSON 对象，而是 {type}；每条记录必须是对象",
    ),
    ('{where:t} has a "text" that is empty', '{where} 的 "text" 是空的'),
    ('{where:t} has a "text" that is not a string', '{where} 的 "text" 不是字符串'),
    ("{source} has a front matter or a title and no text below it", "{source} 只有头部元数据或标题，下面没有正文"),
    ("the language {language} is not known; choose auto, zh or en", "未知的语言 {language}；可选 auto、zh 或 en"),
    (
        "prompts must be a list; put the one prompt into one: [prompt]",
        "提示词必须是列表；只有一个提示词时请写成 [prompt]",
    ),
    ("there are no prompts; give at least one", "没有提示词；请至少给出一个"),
    ("there are no prompts in {path}; give at least one", "{path} 里没有提示词；请至少给出一个"),
    (
        "{path} is no file of prompts; name a .txt file (a prompt a line) or a .jsonl file (an object a line)",
        "{path} 不是提示词文件；请指定 .txt 文件（每行一个提示词）或 .jsonl 文件（每行一个对象）",
    ),
    ("the prompts cannot be read from {path}: {why:t}", "无法从 {path} 读取提示词：{why}"),
    ("{where:t} is not UTF-8; save the file as UTF-8", "{where} 不是 UTF-8；请把文件存为 UTF-8"),
    (
        "{where:t} is not JSON ({why:t}, at column {column:n}); write one object a line",
        "{where} 不是 JSON（{why}，第 {column} 列）；请每行写一个对象",
    ),
    ('{where:t} is not an object; write {{"prompt": "…"}}', '{where} 不是对象；请写成 {{"prompt": "…"}}'),
    ("… and {more:n} more prompts that cannot be asked", "……另有 {more} 个提示词无法使用"),
    (
        (
            "{where:t} has the id {id}, as {first:t} has (a prompt without an id is known by its place, counted from "
            "0); give each its own"
        ),
        "{where} 的 id 是 {id}，与 {first} 相同（没有 id 的提示词以位置为 id，从 0 数起）；id 不能重复，请各自命名",
    ),
    (
        "{where:t} has the id {id}, as {first:t} has; give each its own",
        "{where} 的 id 是 {id}，与 {first} 相同；id 不能重复，请各自命名",
    ),
    (
        "{where:t} is {type}; a prompt is a text, or an object with `prompt` or `messages`",
        "{where} 是 {type}；提示词应当是文本，或带 `prompt` 或 `messages` 的对象",
    ),
    (
        "{where:t} has {name}, which is no field of a prompt; there are {known:l}",
        "{where} 有 {name}，提示词没有这个字段；可用的有：{known}",
    ),
    ("{where:t} must have either `prompt` or `messages`", "{where} 必须有 `prompt` 或 `messages`，二选一"),
    ("{where:t} is empty: there is nothing to ask", "{where} 为空：请写出提示词的内容"),
    ("{where:t} has an `id` that is neither a text nor a whole number", "{where} 的 `id` 既不是文本，也不是整数"),
    (
        "{where:t} has `messages` that are not a list of role and content",
        "{where} 的 `messages` 不是 role 和 content 的列表",
    ),
    (
        "{where:t} has a message without `content` and a `role` of {roles:l}",
        "{where} 里有消息缺少 `content`，或 `role` 不是 {roles} 之一",
    ),
    ("{where:t} has a `{field}` that is not a text", "{where} 的 `{field}` 不是文本"),
    (
        "{where:t} has a `{field}` with half a character (a lone surrogate); it cannot be sent",
        "{where} 的 `{field}` 里有半个字符（单独的代理码位），无法发送",
    ),
    (
        "the recipe asks with {kind:t} where a text belongs; mend the recipe",
        "配方在应为文本之处给出了 {kind}；请修正该配方",
    ),
    (
        "the recipe 'prompts' takes prompts, not papers; use the recipe 'instruct' for papers",
        "配方 'prompts' 接受提示词，不接受论文；论文请用配方 'instruct'",
    ),
    ("a prompt", "提示词"),
    ("the prompt {label}", "提示词 {label}"),
)
