"""What is told of costs, limits and pilots."""

from __future__ import annotations

PAIRS = (
    ("--max-cost {limit:w} cannot be kept: {why:t}", "无法遵守 --max-cost {limit}：{why}"),
    (
        (
            "no price is known for {model:w} in {region} ({way:t}); write it into a file and name that with the "
            "setting `prices`"
        ),
        "不知道 {model} 在 {region} 的价格（{way}）；请把价格写进文件，并用设置 `prices` 指明该文件",
    ),
    (
        "this job has bought something when its price was not known; leave it out, or make a new job",
        "这个任务曾在价格未知时付过费；请去掉这个上限，或新建一个任务",
    ),
    (
        "the job has paid in {one:w}, and prices are in {other:w}",
        "这个任务以 {one} 付过费，而现在的价格以 {other} 计",
    ),
    (
        (
            "--max-cost {limit:w} is below what the job has spent, or may have: {spent}; name at least that, or "
            "`none` for no limit"
        ),
        "--max-cost {limit} 低于任务已花费（或可能已花费）的 {spent}；请至少给出这个数，或写 `none` 表示没有上限",
    ),
    (
        "nobody can say what the parameter {name} of extra_body may cost at most; leave it out",
        "extra_body 的参数 {name} 最多会花多少钱无法得知；请去掉它",
    ),
    (
        "it is not known how much the model writes at most; set max_tokens",
        "不知道这个模型最多会写多少；请设置 max_tokens",
    ),
    (
        "it is not known how much the model thinks at most; set thinking_budget",
        "不知道这个模型最多会思考多少；请设置 thinking_budget",
    ),
    (
        "the parameter 'n' of extra_body is {value}; it must be a whole number of at least 1",
        "extra_body 的参数 'n' 是 {value}；应当是不小于 1 的整数",
    ),
    (
        (
            "the limit of {limit} has room for {asked:n} requests at a time, at the most that they may cost; "
            "{waiting:n} wait until these are answered: a lower max_tokens or a higher limit makes more room"
        ),
        (
            "上限 {limit} 按最坏情况每次只容得下 {asked} 个请求；另外 {waiting} 个要等它们有了回答：调低 max_tokens"
            " 或提高上限可以多发一些"
        ),
    ),
    (
        (
            "job {job:w} stops, as the next request is larger than any that a price is known for, and a limit of "
            "{limit} could not be kept; {done:n} of {all:n} requests are answered and kept, {left:n} are left: "
            "write its price into your own file of prices, or resume with --max-cost none"
        ),
        (
            "任务 {job} 停下：下一个请求比任何已知价格所适用的都大，无法遵守上限 {limit}；{all} 个请求中 {done} 个"
            "已有回答并已保留，还剩 {left} 个：请把它的价格写进自己的价格文件，或用 --max-cost none 运行 resume"
        ),
    ),
    (
        (
            "job {job:w} stops at its limit of {limit}: {spent} are spent, or may be in calls that got no reply; "
            "{done:n} of {all:n} requests are answered and kept, {left:n} are left: they go on where {needed} are "
            "allowed: resume it with a higher --max-cost"
        ),
        (
            "任务 {job} 到达上限 {limit} 而停下：已花费 {spent}（包括可能为没有回应的调用付的）；{all} 个请求中 "
            "{done} 个已有回答并已保留，还剩 {left} 个；上限达到 {needed} 才能继续：请用更高的 --max-cost 运行 resume"
        ),
    ),
    (
        (
            "job {job:w} stops at its limit of {limit}: {spent} are spent, and the next request is only sent where "
            "{needed} are allowed; {done:n} of {all:n} requests are answered and kept, {left:n} are left: resume it"
            " with a higher --max-cost"
        ),
        (
            "任务 {job} 到达上限 {limit} 而停下：已花费 {spent}，上限至少为 {needed} 才会发出下一个请求；{all} 个请"
            "求中 {done} 个已有回答并已保留，还剩 {left} 个：请用更高的 --max-cost 运行 resume"
        ),
    ),
    ("a person said no to what it will cost by the measure of the pilot", "按试运行推算的费用没有得到同意"),
    ("cost        {amount} at list prices; nothing was paid", "费用        按标价 {amount}；没有产生费用"),
    ("cost        {amount} at the most; some calls got no reply", "费用        最多 {amount}；有些调用没有得到回应"),
    (
        "job {job:w} was stopped: {reason:t}; `qwen-dataset resume` goes on all the same",
        "任务 {job} 已停止：{reason}；`qwen-dataset resume` 仍会继续",
    ),
    (
        (
            "of {asked:n} requests of the pilot {samples:n} gave a sample, {share}, and --pilot-min-yield asks for "
            "{least}"
        ),
        "试运行的 {asked} 个请求中有 {samples} 个得到样本，即 {share}，而 --pilot-min-yield 要求 {least}",
    ),
    (
        "pilot: {asked:n} requests gave {answers:n} answers, {samples:n} samples and {rejects:n} rejects",
        "试运行：{asked} 个请求得到 {answers} 个回答、{samples} 个样本和 {rejects} 个淘汰",
    ),
    ("pilot: {share} of what was asked is a sample", "试运行：{share} 的请求成为样本"),
    (
        "pilot: an answer has {read:n} tokens in and {written:n} out",
        "试运行：每个回答平均输入 {read} 个 token，输出 {written} 个",
    ),
    (
        "pilot: by its measure all requests take {read:n} tokens in and about {written:n} out",
        "试运行：据此推算，全部请求输入 {read} 个 token，输出约 {written} 个",
    ),
    ("pilot: the other {rest:n} requests will cost about {amount}", "试运行：其余 {rest} 个请求大约要花 {amount}"),
    ("pilot: it cost {spent}, and a sample {each}", "试运行：花费 {spent}，每个样本 {each}"),
    ("cost        not known: no list has a price of {model:w} there", "费用        未知：没有 {model} 在那里的价格"),
    ("cost        at least {least}", "费用        至少 {least}"),
    ("how much it writes is not known: set {setting:w}", "不知道它会写多少：请设置 {setting}"),
    ("at list prices; nothing is paid here", "按标价计算；这里不产生费用"),
    ("cost        about {likely}, at most {most}", "费用        约 {likely}，最多 {most}"),
    ("cost        about {likely}", "费用        约 {likely}"),
    ("about {likely}, at most {most}", "约 {likely}，最多 {most}"),
    ("about {likely}", "约 {likely}"),
    ("cost        {amount}", "费用        {amount}"),
    ("estimate    {what:t} off by {off}", "估计        {what}相差 {off}"),
    ("tokens in", "输入 token"),
    ("tokens out", "输出 token"),
    ("cost", "费用"),
    ("nothing was bought, as you said no", "您没有同意，因此什么也没有购买"),
    (
        "{doubt:t}: add --yes to buy it all the same, or --max-cost to limit it",
        "{doubt}：加上 --yes 仍然购买，或用 --max-cost 限制费用",
    ),
    ("{doubt:t}; go on?", "{doubt}；要继续吗？"),
    ("nobody knows what this costs", "不知道这要花多少钱"),
    (
        "this will cost at least {least}, and how much it writes is not known without {setting:w}",
        "这至少要花 {least}，而没有 {setting} 就不知道它会写多少",
    ),
    (
        "this will cost about {likely}, more than the {bound} of ask_above",
        "这大约要花 {likely}，超过 ask_above 的 {bound}",
    ),
    (
        "an amount of money above 0, such as 50, or none for no limit any more",
        "大于 0 的金额，例如 50；或 none，表示不再有上限",
    ),
    ("a share of the pilot's requests, from 0 to 1", "试运行请求中的比例，从 0 到 1"),
    ("an amount of money of at least 0", "不小于 0 的金额"),
    ("The most the job may cost, over its whole life.", "任务自始至终最多花多少钱。"),
    ("Ask so many in realtime first, then the rest.", "先实时问这么多个，再问其余的。"),
    ("Buy the rest only if so many gave a sample, e.g. 0.6.", "只有这么多比例得到样本才购买其余的，例如 0.6。"),
    ("Ask a person before more than this is spent.", "花费超过这个数之前先询问。"),
)
