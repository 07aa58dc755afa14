"""What is told of jobs."""

from __future__ import annotations

PAIRS = (
    ("no papers are named; name files or folders", "没有指定论文；请指定文件或文件夹"),
    (
        "a callback cannot call the BlockingClient that calls it; do it when the run has returned",
        "回调函数不能再调用正在调用它的客户端；请等运行返回之后再调用",
    ),
    (
        "a client stays on its storage; make another Client for another one",
        "一个客户端只用一个存储；换存储请新建客户端",
    ),
    (
        "the backend is open in another event loop; make one for each loop",
        "这个后端已在另一个事件循环中打开；请为每个循环各建一个",
    ),
    (
        "this BlockingClient is closed; make a new one (jobs stay where they are)",
        "这个客户端已关闭；请新建一个（任务仍在原处）",
    ),
    (
        "this BlockingClient was closed during the call; everything answered is kept, and resume goes on",
        "这个客户端在调用期间被关闭；已得到的回答都会保留，可用 resume 继续",
    ),
    (
        "there is no job in {storage}; `qwen-dataset generate` makes one",
        "{storage} 中没有任务；`qwen-dataset generate` 会新建一个",
    ),
    (
        "there is no job {job} in {storage}; `qwen-dataset status` lists the jobs",
        "{storage} 中没有任务 {job}；`qwen-dataset status` 会列出所有任务",
    ),
    (
        "there is no job {job} in this storage; `qwen-dataset status` lists the jobs",
        "此存储中没有任务 {job}；`qwen-dataset status` 会列出所有任务",
    ),
    (
        "{job} fits {number:n} jobs ({jobs:l}); write more of the name",
        "{job} 对应 {number} 个任务（{jobs}）；请把名字写得更完整",
    ),
    (
        "job {job:w} was made of papers and has samples, not answers; rebuild writes them",
        "任务 {job} 由论文生成，得到的是样本而不是回答；rebuild 会写出样本",
    ),
    (
        "job {job:w} belongs to {own:t} and the backend {address} is {there:t}; name the job's own",
        "任务 {job} 属于 {own}，而后端 {address} 是 {there}；请指定任务原来的后端",
    ),
    ("{realm:w} (batch)", "{realm}（批量）"),
    ("{realm:w} (realtime)", "{realm}（实时）"),
    (
        "a fresh job pays again for what is answered; give it a new name with --job-name",
        "全新的任务会为已有回答的请求重新付费；请用 --job-name 给它一个新名字",
    ),
    (
        "the job name {name} is taken by {job}; a fresh job needs a new one",
        "任务名 {name} 已被 {job} 占用；全新的任务需要新名字",
    ),
    ("interrupted while papers were read; nothing was submitted", "读取论文时被中断；没有提交任何请求"),
    (
        "job {job:w} was never planned to the end, and nothing was bought; run generate with its papers again",
        "任务 {job} 的计划没有做完，也没有产生费用；请用它的论文再次运行 generate",
    ),
    (
        "a realtime backend has nothing to submit ahead; ask in batches (--batch), or leave out --no-wait",
        "实时后端无法预先提交请求；请改用批量（--batch），或去掉 --no-wait",
    ),
    ("existing is {existing}; it must be one of {words:l}", "existing 是 {existing}；应当是 {words} 之一"),
    ("{papers:n} papers hold no passage to ask about: {names}", "{papers} 篇论文没有可以提问的段落：{names}"),
    (
        "the job was stopped before this was answered; resume goes on with it",
        "任务在得到这个回答之前被停止；resume 会继续",
    ),
    (
        "restore it from a copy, or delete its job's folder (with its paid answers) and run generate again",
        "请从备份恢复，或删除其任务的文件夹（连同已付费的回答）并再次运行 generate",
    ),
    ("{where:t} cannot be read; {way_out:s}", "{where} 无法读取；{way_out}"),
    (
        "{where:t} cannot be read (JSONDecodeError: {words:t}); {way_out:s}",
        "{where} 无法读取（不是有效的 JSON：{words}）；{way_out}",
    ),
    ("{where:t} cannot be read ({error:w}: {words:t}); {way_out:s}", "{where} 无法读取（{error}：{words}）；{way_out}"),
    ("{where:t} is missing; {way_out:s}", "{where} 缺失；{way_out}"),
    ("{where:t} lacks paper {paper:w}; {way_out:s}", "{where} 缺少论文 {paper}；{way_out}"),
    (
        "{where:t} lacks {number:n} of the outcomes that its event names; {way_out:s}",
        "{where} 缺少其事件所列的 {number} 个结果；{way_out}",
    ),
    (
        "{where:t} holds {number:n} of the {all:n} outcomes that its event names; {way_out:s}",
        "{where} 只有其事件所列 {all} 个结果中的 {number} 个；{way_out}",
    ),
    (
        "{where:t} holds {number:n} of the {all:n} requests that the ids beside it name; {way_out:s}",
        "{where} 只有旁边的 id 文件所列 {all} 个请求中的 {number} 个；{way_out}",
    ),
    (
        "{where:t} holds other requests than the ids beside it name; {way_out:s}",
        "{where} 含有的请求与旁边的 id 文件所列的不同；{way_out}",
    ),
    (
        "{where:t} holds more than the {all:n} requests that were planned; {way_out:s}",
        "{where} 的请求多于计划的 {all} 个；{way_out}",
    ),
    (
        "{where:t} does not have the checksum that stands beside it; {way_out:s}",
        "{where} 与旁边记录的校验和不符；{way_out}",
    ),
    (
        "{where:t} holds {number:n} of the {all:n} requests that are to be asked; {way_out:s}",
        "{where} 只有要提问的 {all} 个请求中的 {number} 个；{way_out}",
    ),
    ("{where:t} holds a request twice; {way_out:s}", "{where} 中有一个请求出现两次；{way_out}"),
    (
        "{where:t} does not have the requests of shard {shard:n} in the chunks that its event names; {way_out:s}",
        "{where} 中，分片 {shard} 的请求不在其事件所记的块里；{way_out}",
    ),
    ("{where:t} holds two outcomes of one request; {way_out:s}", "{where} 中有一个请求有两个结果；{way_out}"),
    (
        "{where:t} holds {number:n} of the {all:n} requests that were planned; {way_out:s}",
        "{where} 只有计划的 {all} 个请求中的 {number} 个；{way_out}",
    ),
    (
        "{where:t} holds {number:n} ids that are not the {all:n} of its shard; {way_out:s}",
        "{where} 含有 {number} 个 id，与其批次分片的 {all} 个不符；{way_out}",
    ),
    (
        "{where:t} lacks request {request:w} that is in the plan; {way_out:s}",
        "{where} 缺少计划中的请求 {request}；{way_out}",
    ),
    ("{where:t} is not in the order of the plan; {way_out:s}", "{where} 与计划的顺序不符；{way_out}"),
    (
        "{where:t} holds an outcome of a request that is not in the plan; {way_out:s}",
        "{where} 含有计划之外的请求的结果；{way_out}",
    ),
    (
        "{requests:n} requests are not {completions:n} + {failures:n} + {missing:n}",
        "总账不符：{requests} 个请求 ≠ {completions} + {failures} + {missing}",
    ),
    (
        "{candidates:n} candidates are not {samples:n} + {rejects:n}",
        "总账不符：{candidates} 个候选 ≠ {samples} + {rejects}",
    ),
    (
        (
            "{output} exists and was not written by job {job:w} (or was changed since); choose another --output, or "
            "pass --force to replace it, --merge to add to it"
        ),
        (
            "{output} 已经存在，且不是任务 {job} 写出的（或之后被改动过）；请换一个 --output，或用 --force 覆盖它、用 "
            "--merge 追加"
        ),
    ),
    (
        "{output} is no dataset that can be added to; choose another --output, or pass --force to replace it",
        "{output} 不是可以追加的数据集；请换一个 --output，或用 --force 覆盖它",
    ),
    (
        "{output} was written by something else while job {job:w} ran; choose another --output",
        "任务 {job} 运行期间，{output} 被别的程序写过；请换一个 --output",
    ),
    ("job {job:w} was interrupted; what had been answered is kept", "任务 {job} 被中断；已得到的回答都会保留"),
    ("job {job:w} was cancelled; what had been answered is kept", "任务 {job} 已取消；已得到的回答都会保留"),
    (
        "job {job:w} was stopped: {why:t}, and only resume goes on with it",
        "任务 {job} 已停止：{why}；只有 resume 才会继续",
    ),
    (
        "job {job:w} was finished already, so there was nothing to cancel",
        "任务 {job} 早已完成，没有可以取消的内容",
    ),
    (
        "job {job:w} was stopped already, so there was nothing to cancel",
        "任务 {job} 早已停止，没有可以取消的内容",
    ),
    ("a person cancelled it", "有人取消了它"),
    (
        "the backend could not be reached {times:n} times in a row ({error:gt}); everything is kept",
        "连续 {times} 次无法访问后端（{error}）；已有的内容都会保留",
    ),
    (
        "{key} was written by a newer version of qwen-dataset; upgrade to read it",
        "{key} 由更新版本的 qwen-dataset 写出；请升级后再读取",
    ),
    (
        "job {job:w} is being worked on by {owner:t}; wait for it, or stop it and run this again",
        "任务 {job} 正由 {owner} 处理；请等它结束，或停止它以后再次运行",
    ),
    (
        "job {job:w} is being worked on by {owner:t}; it was asked to cancel and will do so at its next poll",
        "任务 {job} 正由 {owner} 处理；已请求它取消，它会在下次轮询时照办",
    ),
    ("another process", "另一个进程"),
    ("process {pid:n} on {host:w}", "主机 {host} 上的进程 {pid}"),
    (
        "another process has taken job {job:w} over, so this one stops; nothing is lost",
        "另一个进程已接管任务 {job}，本进程停止；没有丢失任何内容",
    ),
    ("interrupted while waiting for job {job:w}; nothing was changed", "等待任务 {job} 时被中断；没有任何改动"),
    (
        (
            "job {job:w} was last held by {owner:t}; watching for up to {seconds:n} seconds whether that still works "
            "on it"
        ),
        "任务 {job} 最后由 {owner} 持有；最多观察 {seconds} 秒，看它是否仍在处理",
    ),
    (
        (
            "{requests:n} of these requests are under way in job {job:w}; nothing was submitted: resume or cancel that"
            " job, then run this again"
        ),
        "其中 {requests} 个请求正在任务 {job} 中进行；没有提交任何请求：请先继续或取消那个任务，再运行本命令",
    ),
    (
        "job {job:w} of the same storage is damaged, and may have some of these requests under way: {error:t}",
        "同一存储中的任务 {job} 已损坏，其中可能有这些请求正在进行：{error}",
    ),
    (
        "job {job:w} sent this and got no result; it may have been paid",
        "任务 {job} 发出了这个请求而没有得到结果；可能已经付费",
    ),
    (
        "job {job:w} is not finished; `qwen-dataset cancel {job:w}` first, then prune it",
        "任务 {job} 尚未完成；请先运行 `qwen-dataset cancel {job}`，再清理",
    ),
    (
        "job {job:w} has changed since it was looked at, so nothing of it was deleted; run prune again",
        "任务 {job} 在查看之后有变动，没有删除其中任何内容；请再次运行 prune",
    ),
    (
        "deleting job {job:w} was interrupted; run `qwen-dataset prune` to end it, then run this again",
        "删除任务 {job} 时被中断；请运行 `qwen-dataset prune` 把它删完，再运行本命令",
    ),
    (
        "pruning job {job:w} was interrupted; run prune again to delete the rest",
        "清理任务 {job} 时被中断；请再次运行 prune 删除其余部分",
    ),
    ("the folder for temporary files (TMPDIR)", "临时文件夹（TMPDIR）"),
    (
        "{where:t} has no room for temporary files ({error:gt}); free some space or set TMPDIR to another folder",
        "{where} 没有空间存放临时文件（{error}）；请腾出空间，或把 TMPDIR 设为别的文件夹",
    ),
    (
        "the stored event {event} cannot follow here (job {phase:t}, round {round:n})",
        "存储的事件 {event} 不能出现在这里（任务 {phase}，第 {round} 轮）",
    ),
    ("[Errno {number:n}] {what:s}: {path}", "{what}：{path}（Errno {number}）"),
    ("[Errno {number:n}] {what:s}", "{what}（Errno {number}）"),
)
