"""The lines that the commands print while a job runs and when it ends."""

from __future__ import annotations

PAIRS = (
    ("reading", "读取"),
    ("starting", "开始"),
    ("writing", "写出"),
    ("left", "剩余"),
    ("round {round:n}", "第 {round} 轮"),
    ("dataset made: {samples:n} samples; {time} elapsed", "数据集已生成：{samples} 条样本；用时 {time}"),
    ("writing the dataset: {samples:n} samples; {time} elapsed", "正在写数据集：{samples} 条样本；用时 {time}"),
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
    ("{done:n}/{total:n} requests, {failed:n} failed", "{done}/{total} 个请求，{failed} 个失败"),
    ("not read: {note:t}", "未能读取：{note}"),
    ("… and {more:n} more that could not be read", "……另有 {more} 个未能读取"),
    ("read once: {note:t}", "只读一次：{note}"),
    ("{papers:n} papers read", "读取 {papers} 篇论文"),
    ("{papers:n} papers read, {more:t}", "读取 {papers} 篇论文，{more}"),
    ("{unread:n} not read", "{unread} 个未能读取"),
    ("{unread:n} not read, {more:t}", "{unread} 个未能读取，{more}"),
    ("{repeated:n} repeated", "{repeated} 篇重复"),
    ("{repeated:n} repeated, {more:t}", "{repeated} 篇重复，{more}"),
    ("{ignored:n} other files ignored", "忽略 {ignored} 个其他文件"),
    (
        "more than {above:n} requests go as a batch, at half the price; --realtime asks one by one",
        "超过 {above} 个请求，走批量，价格减半；--realtime 改为逐个请求",
    ),
    (
        "up to {above:n} requests go one by one, in realtime; --batch sends them at half the price",
        "不超过 {above} 个请求，走实时，逐个发送；--batch 改为批量，价格减半",
    ),
    ("requests for {model} go as a batch to: {where:t}", "发给 {model} 的请求以批量方式送往：{where}"),
    ("requests for {model} go one by one to: {where:t}", "发给 {model} 的请求逐个送往：{where}"),
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
        "请求        {requests} = {completions} 个回答 + {failures} 个失败 + {missing} 个尚未回答",
    ),
    (
        "candidates  {candidates:n} = {samples:n} samples + {rejects:n} rejects",
        "候选        {candidates} = {samples} 条样本 + {rejects} 条被拒绝",
    ),
    (
        "candidates  {candidates:n} = {answers:n} answers + {rejects:n} rejects",
        "候选        {candidates} = {answers} 个回答 + {rejects} 条被拒绝",
    ),
    ("failures    {counts:t}", "失败        {counts}"),
    ("rejects     {counts:t}", "被拒绝      {counts}"),
    (
        "unknown     {calls:n} calls got no reply and are possibly paid",
        "结果不明    {calls} 次调用没有收到回复，可能已经付费",
    ),
    (
        "reused      {answers:n} answers that an earlier job paid for",
        "复用        {answers} 个回答，此前的任务已为其付费",
    ),
    ("tokens      {prompt:n} in, {completion:n} out", "token       输入 {prompt}，输出 {completion}"),
    (
        "job {job} is {phase:t}: {done:n} of {requests:n} requests are answered and kept",
        "任务 {job} {phase}：{requests} 个请求中有 {done} 个已得到回答并保留",
    ),
    ("Pay again for what is answered?", "已有回答的请求要重新付费吗？"),
    (
        "stopping: what is in flight is awaited and kept; Ctrl-C again stops at once",
        "正在停止：等待并保存正在进行的调用；再按一次 Ctrl-C 立即停止",
    ),
    ("stopped at once; everything stored so far is kept", "已立即停止；此前存下的都会保留"),
    ("nothing was done, as you said no", "按您的回答，什么也没有做"),
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
        "存储 {storage} 里的任务随本命令结束而消失，已付费的内容也会丢失；{instead}",
    ),
    (
        "the folder {folder} ({source:t}) does not exist; name papers, or their folder with --data-dir",
        "文件夹 {folder}（{source}）不存在；请指定论文，或用 --data-dir 指定论文所在的文件夹",
    ),
    ("--batch and --realtime contradict each other; leave one out", "--batch 与 --realtime 互相矛盾；请去掉其中一个"),
    ("--force and --merge contradict each other; leave one out", "--force 与 --merge 互相矛盾；请去掉其中一个"),
    ("name PAPERS or give --data-dir, not both", "请指定论文或给出 --data-dir，不能两者都用"),
    ("no jobs in {storage}", "{storage} 中没有任务"),
    ("{job:w}  damaged  {damage:t}", "{job}  已损坏  {damage}"),
    (
        "{job:w}  {phase:s}  {done:n}/{total:n} answered, {failed:n} failed  {when}",
        "{job}  {phase}  已回答 {done}/{total}，失败 {failed}  {when}",
    ),
    ("{job:w}  {phase:s}  {done:n}/{total:n} answered  {when}", "{job}  {phase}  已回答 {done}/{total}  {when}"),
    (
        "reject  {reason:wt}  {detail:t} (may be asked again)  [{where}]",
        "拒绝  {reason}  {detail}（可以再问）  [{where}]",
    ),
    ("reject  {reason:wt}  {detail:t} (final)  [{where}]", "拒绝  {reason}  {detail}（不再重试）  [{where}]"),
    (
        "failed  {reason:wt}  {detail:t} (may be asked again)  [{where}]",
        "失败  {reason}  {detail}（可以再问）  [{where}]",
    ),
    ("failed  {reason:wt}  {detail:t} (final)  [{where}]", "失败  {reason}  {detail}（不再重试）  [{where}]"),
    ("{rejects:n} rejects, {failed:n} failed requests", "{rejects} 个被拒绝的候选，{failed} 个失败的请求"),
    (
        "  {language}, {reader}, {sections:n} sections, {passages:n} passages, {characters:n} characters, id {id}",
        "  {language}，{reader}，{sections} 节，{passages} 个段落，{characters} 个字符，id {id}",
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
        "没有可以提问的内容：论文中没有一个段落有足够的文字",
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
