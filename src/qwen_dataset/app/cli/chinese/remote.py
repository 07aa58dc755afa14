"""The lines of `batch` about the service's own batches, and what can go wrong with them."""

from __future__ import annotations

PAIRS = (
    (
        "the backend {address} has no batches of its own to look at; --backend names one that has",
        "后端 {address} 没有可以查看的批次；请用 --backend 指定有批次的后端",
    ),
    (
        "batch {batch:w} has not ended within its window of {hours:n} hours; look again later",
        "批次 {batch} 在 {hours} 小时的时限内没有结束；请稍后再查看",
    ),
    (
        "nothing was written, as batch {batch:w} is {status:wt}; try again later",
        "批次 {batch} 的状态是 {status}，没有写出任何内容；请稍后再试",
    ),
    ("there is no file {path}; write_batch_file makes one", "没有文件 {path}；write_batch_file 会写出它"),
    (
        "batch {batch:w} had ended already, so there was nothing to cancel",
        "批次 {batch} 早已结束，没有可取消的内容",
    ),
    ("--status is {given:l}; known are {known:l}", "--status 是 {given}；可选：{known}"),
    ("{flags} would narrow the list of the service; add --remote", "{flags} 用来筛选服务上的列表；请加上 --remote"),
    (
        "--merge is for the answers of a job; the files of a batch are written as they are",
        "--merge 只用于任务的回答；批次的文件按原样写出",
    ),
    ("{missing:n} answers that the service counts are not in its file", "服务统计的 {missing} 个回答不在它的文件中"),
    ("the service has no such batches", "服务上没有这样的批次"),
    (
        "… and there are more; --after {batch:w} lists those that follow",
        "……还有更多；用 --after {batch} 列出后面的批次",
    ),
    ("… and {more:n} more reasons; --json tells all", "……另有 {more} 个原因；--json 可全部给出"),
    (
        "{flag:w} is {text}; it must be a time such as 2026-11-22 or 2026-11-22T18:30",
        "{flag} 是 {text}；应当是时间，例如 2026-11-22 或 2026-11-22T18:30",
    ),
    ("batch       {batch:w}", "批次        {batch}"),
    ("ended       {when}", "结束于      {when}"),
    ("name        {name}", "名称        {name}"),
    ("of job      {job:w}", "所属任务    {job}"),
    ("errors      {path}", "错误        {path}"),
    ("error       {code:w}: {reason}", "错误        {code}：{reason}"),
    ("line {lines}: {code:w}: {reason}", "第 {lines} 行：{code}：{reason}"),
    (
        "{status:cs}  {when:c}  {done:ct}  {batch:w}  {name}",
        "{status:11}  {when:16}  {done:13}  {batch}  {name}",
    ),
    ("the fake has no file {file} any more", "fake 后端已经没有文件 {file}"),
    (
        "the fake has no file {file}; is this the remote file it was uploaded to?",
        "fake 后端没有文件 {file}；它是上传到这个远端文件的吗？",
    ),
    ("the fake has no file {file}; its batch is {status:wt}", "fake 后端没有文件 {file}；它的批次状态是 {status}"),
    (
        "the fake takes no completion_window of {window}; it must be 24h to 336h, or 1d to 14d",
        "fake 后端不接受 completion_window {window}；应当是 24h 到 336h，或 1d 到 14d",
    ),
    (
        "a file beside the fake's remote file could not be written or read ({why:t})",
        "fake 后端的远端文件旁边的文件无法读写（{why}）",
    ),
    ("{path} cannot be read ({why:t})", "无法读取 {path}（{why}）"),
)
