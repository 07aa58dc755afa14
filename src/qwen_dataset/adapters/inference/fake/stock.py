"""Sentences of papers that do not exist: what the fake quotes when it lies."""

from __future__ import annotations

from collections.abc import Mapping

OTHER_PASSAGES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "The remaining parameters were kept at the values given at the beginning of this section.",
        "We repeat the measurement for every sample and report the median together with the quartiles.",
        "A closer look at the boundary shows that the second term dominates as soon as the step is halved.",
        "The proof of the lemma is postponed to the end of the section, where all constants are collected.",
        "Each run was started from the same initial state, so the differences stem from the schedule alone.",
    ),
    "zh": (
        "其余参数均保持本节开头给出的取值不变。",
        "我们对每个样本重复测量，并同时报告中位数与四分位数。",
        "仔细观察边界可以发现，步长减半之后第二项便占主导地位。",
        "引理的证明推迟到本节末尾给出，所有常数在那里统一整理。",
        "每次运行都从相同的初始状态出发，因此差异只来自调度策略。",
    ),
}
"""Where the caller gives no decoys: sentences as they stand elsewhere in many a paper."""

OTHER_PAPERS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "The glass harmonica of the northern valleys loses half of its overtones when the air is dry.",
        "In our survey of 412 tidal mills, only nine were found to turn against the current.",
        "Lantern moths prefer the colder of two equally bright lamps in 73 percent of the trials.",
        "The brittle clay of the delta keeps the imprint of a single raindrop for about eleven years.",
        "We show that a herd of reindeer sorts itself by age within four hours of leaving the pen.",
        "Bread baked at high altitude was judged sweeter by all but two members of the panel.",
    ),
    "zh": (
        "北部山谷的玻璃琴在空气干燥时会失去一半的泛音。",
        "在我们调查的四百一十二座潮汐磨坊中，只有九座逆流转动。",
        "在百分之七十三的试验中，灯蛾更偏爱两盏同样明亮的灯中较冷的一盏。",
        "三角洲的脆性黏土可以将一滴雨的印痕保存大约十一年。",
        "我们证明驯鹿群离开围栏后四小时内会按年龄自行排序。",
        "除两名评审外，所有人都认为高海拔烘焙的面包更甜。",
    ),
}

INVENTED: Mapping[str, tuple[str, ...]] = {
    "en": (
        "As is widely known, {topic} improves every measured quantity by a factor of {number}.",
        "Independent laboratories have confirmed {topic} in more than {number} separate trials.",
        "It was proved in {number} ways that {topic} can never fail.",
    ),
    "zh": (
        "众所周知，{topic}可使所有测得的指标提高{number}倍。",
        "多家独立实验室已在{number}余次试验中证实了{topic}。",
        "已有{number}种方法证明{topic}永远不会失败。",
    ),
}
