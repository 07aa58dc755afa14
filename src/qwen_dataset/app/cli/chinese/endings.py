"""What may be added behind any sentence; tried before everything else, in this order."""

from __future__ import annotations

PAIRS = (
    ("{error:gt}; see `{command} --help`", "{error}；请看 `{command} --help`"),
    ("{error:gs} (did you mean {name}?)", "{error}（是不是想用 {name}？）"),
    ("{error:gt}; run again with another --model", "{error}；请用 --model 换一个模型再运行"),
    (
        "{error:gt}; what is submitted goes on at the service ({stop} stops it); go on with: {command}",
        "{error}；已提交的部分会在服务端继续（停止请运行 {stop}）；继续请运行：{command}",
    ),
    (
        "{error:gt}; `qwen-dataset batch list --remote` shows those that are there",
        "{error}；现有的批次请看 `qwen-dataset batch list --remote`",
    ),
    ("{error:gt}; check base_url, region, network and proxy", "{error}；请检查 base_url、region、网络和代理"),
    ("{error:gt}; go on with: {command}", "{error}；继续请运行：{command}"),
    (
        "{error:gt}; qwen-dataset resume {resume} or qwen-dataset cancel {cancel}",
        "{error}；请运行 qwen-dataset resume {resume} 或 qwen-dataset cancel {cancel}",
    ),
    ("{error:gs} (--{option:w})", "{error}（--{option}）"),
    ("{error:gs} (default)", "{error}（默认值）"),
    ("{error:gs} (argument {name:w})", "{error}（参数 {name}）"),
    ("{error:gs} (environment {variable:w})", "{error}（环境变量 {variable}）"),
    ("{error:gs} ({file:f}, line {line:n})", "{error}（{file} 第 {line} 行）"),
    ("{error:gs} ({file:f} line {line:n} {variable:w})", "{error}（{file} 第 {line} 行 {variable}）"),
    ("{error:gs} ({file:f} line {line:n})", "{error}（{file} 第 {line} 行）"),
)
