"""What is wrong with LaTeX papers."""

from __future__ import annotations

PAIRS = (
    ("{source} is larger than {size:n} MB of LaTeX", "{source} 的 LaTeX 超过 {size} MB"),
    ("{source} with its parts is larger than {size:n} MB of LaTeX", "{source} 连同其各部分的 LaTeX 超过 {size} MB"),
    (
        "{source} has no text besides commands, comments and figures",
        "{source} 除命令、注释和图之外没有正文",
    ),
    (
        "{source} has commands that expand without end, or braces that are never closed",
        "{source} 中有无限展开的命令，或没有闭合的花括号",
    ),
    ("the part {name} was not found beside the paper and is left out", "论文旁边找不到 {name} 这一部分，已略去"),
    ("the part {name} includes itself; it is read once", "{name} 这一部分包含了自身；只读取一次"),
    (
        "the part {name} is left out: more than {depth:n} parts stand in one another",
        "略去 {name} 这一部分：各部分的嵌套超过 {depth} 层",
    ),
    ("parts are left out: there are more than {count:n}", "略去了一些部分：总数超过 {count} 个"),
    ("the listing {name} was not found beside the paper and is left out", "论文旁边找不到代码清单 {name}，已略去"),
    ("{count:n} more parts or listings are left out", "另有 {count} 个部分或代码清单被略去"),
    ("the part {name} is left out: {why:t}", "略去 {name} 这一部分：{why}"),
    ("the listing {name} is left out: {why:t}", "略去代码清单 {name}：{why}"),
    ("an \\iffalse of {source} is never closed", "{source} 中有一段关闭的内容没有结束"),
    (
        "an environment {name} is never closed; its text is read as prose",
        "环境 {name} 没有结束；其内容按正文读取",
    ),
    (
        "a formula that begins with {opener} is never closed; its text is read as prose",
        "以 {opener} 开始的公式没有结束；其内容按正文读取",
    ),
    ("the command {name} stands for itself without end and is left out", "命令 {name} 无限地代表自身，已略去"),
    ("the environment {name} stands for itself without end", "环境 {name} 无限地代表自身"),
    ("commands are nested too deeply and some are left out", "命令嵌套过深，已略去一部分"),
    (
        "pieces of LaTeX that could not be parsed and lost the commands in them: {count:n}",
        "有 {count} 段 LaTeX 无法解析，其中的命令已丢弃",
    ),
)
