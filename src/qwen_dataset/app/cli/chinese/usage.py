"""How a command was typed wrongly: click's own sentences since 8.1."""

from __future__ import annotations

PAIRS = (
    (
        "an argument holds half a character; no file can have such a name",
        "某个参数含有半个字符；文件不可能有这样的名字",
    ),
    ("no such option {name}", "没有选项 {name}"),
    ("no such option: {name}", "没有选项 {name}"),
    ("no such command {name}", "没有命令 {name}"),
    ("missing argument {name}", "缺少参数 {name}"),
    ("missing argument {name}. Choose from: {choices:l}", "缺少参数 {name}；可选：{choices}"),
    ("missing option {name}", "缺少选项 {name}"),
    ("missing option {name}. Choose from: {choices:l}", "缺少选项 {name}；可选：{choices}"),
    ("missing parameter: {name}", "缺少参数 {name}"),
    ("missing command", "缺少命令"),
    ("got unexpected extra argument ({arguments})", "多余的参数：{arguments}"),
    ("got unexpected extra arguments ({arguments})", "多余的参数：{arguments}"),
    ("invalid value for {name}: {why:t}", "{name} 的值无效：{why}"),
    ("invalid value: {why:t}", "值无效：{why}"),
    ("{value} is not a valid integer range", "{value} 不是整数"),
    ("{value} is not a valid integer", "{value} 不是整数"),
    ("{value} is not a valid float range", "{value} 不是数字"),
    ("{value} is not a valid float", "{value} 不是数字"),
    ("{value} is not a valid boolean. Recognized values: {known:l}", "{value} 不是布尔值；可用的值：{known}"),
    ("{value:w} is not in the range {range}", "{value} 不在范围 {range} 内"),
    ("{value} is not one of {choices:l}", "{value} 不在可选值 {choices} 之中"),
    ("{value:q} is not {choice:q}", "{value} 不是 {choice}"),
    ("Path {path} is not readable", "路径 {path} 不可读"),
    ("option {name} requires an argument", "选项 {name} 需要一个值"),
    ("option {name} requires {number:n} arguments", "选项 {name} 需要 {number} 个值"),
    ("option {name} does not take a value", "选项 {name} 不接受值"),
    ("argument {name} takes {number:n} values", "参数 {name} 需要 {number} 个值"),
)
