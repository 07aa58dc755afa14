"""What the doctor says of each thing that it looks at."""

from __future__ import annotations

PAIRS = (
    ("ok", "正常"),
    ("hint", "提示"),
    ("wrong", "有误"),
    ("unreachable", "无法访问"),
    ("config", "设置"),
    ("key", "密钥"),
    ("model", "模型"),
    ("live", "实测"),
    ("every setting can be used", "所有设置都可以使用"),
    (
        "not installed; only realtime calls to Bailian need it: {install}",
        "未安装；只有实时调用百炼才需要它：{install}",
    ),
    (
        "not installed; only storages at s3: addresses need it: {install}",
        "未安装；只有 s3: 地址的存储才需要它：{install}",
    ),
    ("not installed; nothing can be asked without it: {install}", "未安装；没有它无法向任何服务提问：{install}"),
    ("none is set; the backend {address:q} has to do without", "没有设置；后端 {address} 将不使用密钥"),
    ("{model} (not checked: {where} is another server)", "{model}（未检查：{where} 是其他服务器）"),
    ("skipped, as the backend cannot be asked", "已跳过，因为无法询问后端"),
    ("none is set", "没有设置"),
    (
        "is set, but does not begin with sk- as keys of Bailian do; check it if it is one",
        "已设置，但不像百炼的密钥那样以 sk- 开头；如果是百炼的密钥，请检查",
    ),
    ("is set, and begins with sk- as it should", "已设置，并且以 sk- 开头，格式正确"),
    ("{address}: written, created once only, listed and deleted", "{address}：写入、只创建一次、列出、删除都正常"),
    (
        "{address} does not give back what was written, or lists it wrongly; choose another storage",
        "{address} 读回的与写入的不同，或列出有误；请换一个存储",
    ),
    (
        "{address} cannot promise to create an object only once: let one writer only work in it at a time",
        "{address} 不能保证对象只创建一次：同一时间只能有一个写入者在其中工作",
    ),
    (
        "{address} creates an object twice, so two processes could pay for one job; choose another storage",
        "{address} 会重复创建对象，两个进程可能为同一任务各付一次费；请换一个存储",
    ),
    ("batch {batch:w} answered after {seconds:n} s: {text}", "批次 {batch} 在 {seconds} 秒后返回：{text}"),
    (
        "batch {batch:w} ended after {seconds:n} s without an answer: {why:t}",
        "批次 {batch} 在 {seconds} 秒后结束，没有回答：{why}",
    ),
)
