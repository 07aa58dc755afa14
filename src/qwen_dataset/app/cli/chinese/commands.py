"""The lines that the commands print while a job runs and when it ends."""

from __future__ import annotations

PAIRS = (
    ("reading", "读取"),
    ("starting", "开始"),
    ("writing", "写出"),
    ("left", "剩余"),
    ("round {round:n}", "第 {round} 轮"),
    ("dataset made: {samples:n} samples; {time} elapsed", "数据集已生成：{samples} 条样本；用时 {time}"),
    ("writing the dataset: {samples:n} samples; {time} elapsed", "正在写出数据集：{samples} 条样本；用时 {time}"),
    ("{samples:n} samples", "{samples} 条样本"),
    ("job {job:w}: {requests:n} requests from {papers:n} papers", "任务 {job}：{papers} 篇论文，{requests} 个请求"),
    ("job {job:w}: {requests:n} requests", "任务 {job}：{requests} 个请求"),
    (
        "requests {done:n} done, {failed:n} failed, {total:n} in all; {time} elapsed, round {round:n} done",
        "请求：完成 {done}，失败 {failed}，共 {total}；用时 {time}，第 {round} 轮结束",
    ),
    (
        (
            "requests {done:n} done, {failed:n} failed, {total:n} in all; {time} elapsed, round {round:n}, time left "
            "not known yet"
        ),
        "请求：完成 {done}，失败 {failed}，共 {total}；用时 {time}，第 {round} 轮，剩余时间未知",
    ),
    (
        (
            "requests {done:n} done, {failed:n} failed, {total:n} in all; {time} elapsed, round {round:n}, about "
            "{rest} left"
        ),
        "请求：完成 {done}，失败 {failed}，共 {total}；用时 {time}，第 {round} 轮，约剩 {rest}",
    ),
    ("{done:n}/{total:n} requests, {failed:n} failed", "请求 {done}/{total}，失败 {failed}，用时"),
    ("not read: {note:t}", "未能读取：{note}"),
    ("… and {more:n} more that could not be read", "……另有 {more} 个未能读取"),
    ("note: {note:t}", "注意：{note}"),
    ("read once: {note:t}", "只读取一次：{note}"),
    ("{papers:n} papers read", "已读取 {papers} 篇论文"),
    ("{papers:n} papers read, {more:t}", "已读取 {papers} 篇论文，{more}"),
    ("{unread:n} not read", "{unread} 个未能读取"),
    ("{unread:n} not read, {more:t}", "{unread} 个未能读取，{more}"),
    ("{repeated:n} repeated", "{repeated} 篇重复"),
    ("{repeated:n} repeated, {more:t}", "{repeated} 篇重复，{more}"),
    ("{ignored:n} other files ignored", "忽略 {ignored} 个其他文件"),
    (
        "more than {above:n} requests go as a batch, at half the price; --realtime asks one by one",
        "请求超过 {above} 个，因此以批量方式发送，价格减半；加 --realtime 可改为实时逐个发送",
    ),
    (
        "up to {above:n} requests go one by one, in realtime; --batch sends them at half the price",
        "请求不超过 {above} 个，因此实时逐个发送；加 --batch 可改为批量，价格减半",
    ),
    ("requests for {model} go as a batch to: {where:t}", "{model} 的请求将以批量方式发往：{where}"),
    ("requests for {model} go one by one to: {where:t}", "{model} 的请求将逐个发往：{where}"),
    (
        "what the batch has not done once nothing has moved for {hours:n} hours is asked one by one, at full price",
        "批次在 {hours} 小时毫无进展后，其余请求将按全价逐个发送",
    ),
    (
        "what the batch has not done {after:w} after it began is asked one by one, at full price",
        "批次开始 {after} 之后仍未完成的请求，将按全价逐个发送",
    ),
    (
        "the backend could not be asked: {why:t}; the run waits, and asks again",
        "暂时无法询问后端：{why}；运行会等待并再次询问",
    ),
    (
        "the backend does not cancel shard {shard:n} of job {job:w}: {why:t}; the run waits, and asks again",
        "后端没有取消任务 {job} 的分片 {shard}：{why}；运行会等待并再次询问",
    ),
    ("job         {job}", "任务        {job}"),
    ("submitted; collect with: {command}", "已提交；收取结果请运行：{command}"),
    (
        "merged      {kept:n} lines kept, {known:n} samples were among them",
        "合并        保留 {kept} 行，其中已有 {known} 条样本",
    ),
    (
        "merged      {kept:n} lines kept, {known:n} answers were among them",
        "合并        保留 {kept} 行，其中已有 {known} 个回答",
    ),
    ("dataset     {output} ({samples:n} samples)", "数据集      {output}（{samples} 条样本）"),
    ("answers     {output} ({answers:n} answers)", "回答        {output}（{answers} 个回答）"),
    ("see why     {command}", "查看原因    {command}"),
    (
        (
            "requests    {requests:n} = {completions:n} completions + {failures:n} failures + {missing:n} not yet "
            "answered"
        ),
        "请求        {requests} = {completions} 个已回答 + {failures} 个失败 + {missing} 个尚未回答",
    ),
    (
        "candidates  {candidates:n} = {samples:n} samples + {rejects:n} rejects",
        "候选        {candidates} = {samples} 条样本 + {rejects} 个被拒绝",
    ),
    (
        "candidates  {candidates:n} = {answers:n} answers + {rejects:n} rejects",
        "候选        {candidates} = {answers} 个回答 + {rejects} 个被拒绝",
    ),
    ("failures    {counts:t}", "失败        {counts}"),
    ("rejects     {counts:t}", "被拒绝      {counts}"),
    (
        "unknown     {calls:n} calls got no reply and are possibly paid",
        "结果不明    {calls} 次调用没有收到回复，可能已经付费",
    ),
    (
        "reused      {answers:n} answers that an earlier job paid for",
        "复用        {answers} 个回答，此前的任务已经付过费",
    ),
    ("tokens      {prompt:n} in, {completion:n} out", "token       输入 {prompt}，输出 {completion}"),
    (
        "job {job} is {phase:t}: {done:n} of {requests:n} requests are answered and kept",
        "任务 {job} {phase}：{requests} 个请求中有 {done} 个已得到回答并保留",
    ),
    ("Pay again for what is answered?", "已有回答的请求要重新付费吗？"),
    (
        "stopping: what is in flight is awaited and kept; Ctrl-C again stops at once",
        "正在停止：将等待并保存正在进行的调用；再按一次 Ctrl-C 立即停止",
    ),
    ("stopped at once; everything stored so far is kept", "已立即停止；此前保存的内容都会保留"),
    ("nothing was done, as you said no", "您选择了“否”，没有执行任何操作"),
    ("interrupted", "已中断"),
    ("the output cannot be written: {why:t}", "无法写出输出：{why}"),
    (
        "the recipe {recipe} takes prompts, not papers; use --recipe instruct, or `qwen-dataset batch`",
        "配方 {recipe} 接受提示词，不接受论文；请用 --recipe instruct，或改用 `qwen-dataset batch`",
    ),
    ("add --wait, or name another --storage", "请加上 --wait，或用 --storage 指定另一个存储"),
    ("leave out --no-wait, or name another --storage", "请去掉 --no-wait，或用 --storage 指定另一个存储"),
    (
        "a job in the storage {storage} ends with this command, and what was paid is lost; {instead:t}",
        "存储 {storage} 里的任务会随本命令结束而消失，已付费的内容也会丢失；{instead}",
    ),
    (
        "the folder {folder} ({source:t}) does not exist; name papers, or their folder with --data-dir",
        "文件夹 {folder}（{source}）不存在；请指定论文，或用 --data-dir 指定论文所在的文件夹",
    ),
    ("--batch and --realtime contradict each other; leave one out", "--batch 与 --realtime 互相矛盾；请去掉其中一个"),
    ("--force and --merge contradict each other; leave one out", "--force 与 --merge 互相矛盾；请去掉其中一个"),
    ("name PAPERS or give --data-dir, not both", "请指定论文，或给出 --data-dir，二者不能同时使用"),
    (
        "the output is a file, never standard output: name one behind -o (or ./- if it is to be called so)",
        "输出总是写入文件，不会写到标准输出：请在 -o 后指定文件（如果文件名就是 -，请写 ./-）",
    ),
    ("no jobs in {storage}", "{storage} 中没有任务"),
    ("{job:g}  damaged   {damage:t}", "{job}  已损坏    {damage}"),
    (
        "{job:g}  {phase:cs}  {when:c}  {done:n}/{total:n} answered, {failed:n} failed",
        "{job}  {phase:8}  {when:16}  已回答 {done}/{total}，失败 {failed}",
    ),
    (
        "{job:g}  {phase:cs}  {when:c}  {done:n}/{total:n} answered",
        "{job}  {phase:8}  {when:16}  已回答 {done}/{total}",
    ),
    (
        "reject  {reason:wt}  {detail:t} (may be asked again)  [{where}]",
        "拒绝  {reason}  {detail}（可以重试）  [{where}]",
    ),
    ("reject  {reason:wt}  {detail:t} (final)  [{where}]", "拒绝  {reason}  {detail}（不再重试）  [{where}]"),
    (
        "failed  {reason:wt}  {detail:t} (may be asked again)  [{where}]",
        "失败  {reason}  {detail}（可以重试）  [{where}]",
    ),
    ("failed  {reason:wt}  {detail:t} (final)  [{where}]", "失败  {reason}  {detail}（不再重试）  [{where}]"),
    (
        "failed  {reason:wt}  {detail:t} (may be asked again)  [{where} and {more:n} more]",
        "失败  {reason}  {detail}（可以重试）  [{where} 等，另有 {more} 个]",
    ),
    (
        "failed  {reason:wt}  {detail:t} (final)  [{where} and {more:n} more]",
        "失败  {reason}  {detail}（不再重试）  [{where} 等，另有 {more} 个]",
    ),
    ("{rejects:n} rejects, {failed:n} failed requests", "{rejects} 个被拒绝的候选，{failed} 个失败的请求"),
    (
        (
            "  {language}, {reader}, {sections:n} sections, {passages:n} passages, {tokens:n} tokens, {characters:n}"
            " characters"
        ),
        "  {language}，{reader}，{sections} 节，{passages} 个段落，{tokens} 个 token，{characters} 个字符",
    ),
    ("  warning: {warning:t}", "  警告：{warning}"),
    ("request     1 of more than {total:n}, id {id}", "请求        第 1 个，共 {total} 个以上，id {id}"),
    ("request     {number:n} of {total:n}, id {id}", "请求        第 {number} 个，共 {total} 个，id {id}"),
    ("request     {number:n}, id {id}", "请求        第 {number} 个，id {id}"),
    ("section     {section}", "章节        {section}"),
    ("model       {model}", "模型        {model}"),
    ("parameters  {parameters}", "参数        {parameters}"),
    (
        "there is nothing to ask about: no passage of the papers holds enough text",
        "没有可以提问的内容：论文中没有文字足够长的段落",
    ),
    (
        "{path} written; `qwen-dataset config show` tells what counts",
        "已写出 {path}；用 `qwen-dataset config show` 查看最终生效的设置",
    ),
    (
        "{path} exists; choose another path, or pass --force to replace it",
        "{path} 已经存在；请换一个路径，或用 --force 覆盖它",
    ),
    ("{path} cannot be written: {why:t}", "无法写入 {path}：{why}"),
)
