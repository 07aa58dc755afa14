"""The fake author's turns of phrase, for each kind of sample and language."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Phrases:
    """How a kind of sample is worded. ``{topic}`` is filled in; ``shape`` is ``prose``, ``steps`` or ``points``."""

    instructions: tuple[str, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...] = ("",)
    shape: str = "prose"


KIND_WORDS: Mapping[str, tuple[str, ...]] = {
    "method_steps": ("method_steps", "method steps", "steps of a method", "方法步骤"),
    "concept": ("concept", "概念"),
    "algorithm": ("algorithm", "算法"),
    "derivation": ("derivation", "推导"),
    "implementation": ("implementation", "实现"),
    "analysis": ("analysis", "分析"),
    "comparison": ("comparison", "比较", "对比"),
    "application": ("application", "应用"),
}
"""The words by which a prompt may ask for a kind."""

ENGLISH: Mapping[str, Phrases] = {
    "concept": Phrases(
        instructions=(
            "Explain what is meant by {topic} and why it matters.",
            "What is the idea behind {topic}? Explain it to a reader who is new to the field.",
            "Give a short, precise explanation of {topic}.",
        ),
        openers=(
            "The idea of {topic} is this.",
            "In short, about {topic}:",
            "To understand {topic}, note the following.",
        ),
    ),
    "method_steps": Phrases(
        instructions=(
            "Describe step by step how the method for {topic} works.",
            "Which steps make up the approach to {topic}? List them in order.",
            "Outline the procedure that is followed for {topic}.",
        ),
        openers=("The method for {topic} proceeds as follows:", "Step by step, for {topic}:"),
        shape="steps",
    ),
    "algorithm": Phrases(
        instructions=(
            "State the procedure for {topic} as an algorithm.",
            "Write down, as numbered steps, an algorithm for {topic}.",
            "How can {topic} be expressed as an algorithm? Name what goes in, what is done and what comes out.",
        ),
        openers=("Algorithm for {topic}:", "As an algorithm, {topic} reads:"),
        shape="steps",
    ),
    "derivation": Phrases(
        instructions=(
            "Give the chain of reasoning that leads to the statement about {topic}.",
            "Derive the result on {topic} from what is given.",
            "How does one arrive at the result on {topic}? Show the argument.",
        ),
        openers=("We start from what is given about {topic}.", "The argument for {topic} runs as follows."),
        closers=("This is what was to be shown.", "This completes the argument."),
    ),
    "implementation": Phrases(
        instructions=(
            "How can {topic} be put into practice? Name what has to be implemented.",
            "Explain what an implementation of {topic} has to do.",
            "What should a developer know before implementing {topic}?",
        ),
        openers=("An implementation of {topic} has to respect these points:", "To implement {topic}, keep in mind:"),
        shape="points",
    ),
    "analysis": Phrases(
        instructions=(
            "Analyse {topic}: what follows from it, and under which conditions?",
            "What does the evidence say about {topic}? Give a short analysis.",
            "Discuss the strengths and limits of {topic}.",
        ),
        openers=("An analysis of {topic} rests on these observations.", "Looking closely at {topic}:"),
        closers=("", "Within these conditions the conclusion holds."),
    ),
    "comparison": Phrases(
        instructions=(
            "Compare the alternatives for {topic}: where do they differ?",
            "How does {topic} relate to its alternatives?",
            "Contrast the different aspects of {topic}.",
        ),
        openers=("Side by side, for {topic}:", "The points on which {topic} can be compared are these:"),
        shape="points",
    ),
    "application": Phrases(
        instructions=(
            "Where can {topic} be applied, and what is gained there?",
            "Describe a use of {topic} in practice.",
            "Which problems does {topic} help to solve?",
        ),
        openers=("In practice, {topic} is used in this way.", "{topic} is useful for the following reason."),
    ),
}

CHINESE: Mapping[str, Phrases] = {
    "concept": Phrases(
        instructions=(
            "请解释“{topic}”的含义及其重要性。",
            "“{topic}”的基本思想是什么？请向初学者说明。",
            "请简要而准确地说明什么是“{topic}”。",
        ),
        openers=(
            "关于“{topic}”，可以这样理解。",
            "简单来说，“{topic}”的要点如下。",
            "要理解“{topic}”，请注意以下内容。",
        ),
    ),
    "method_steps": Phrases(
        instructions=(
            "请分步说明“{topic}”所用的方法。",
            "“{topic}”包括哪些步骤？请按顺序列出。",
            "请概述实现“{topic}”的具体流程。",
        ),
        openers=("“{topic}”的方法步骤如下：", "针对“{topic}”，可按以下步骤进行："),
        shape="steps",
    ),
    "algorithm": Phrases(
        instructions=(
            "请将“{topic}”的过程写成算法。",
            "请用编号步骤写出“{topic}”的算法。",
            "如何把“{topic}”表述为算法？请说明输入、处理过程和输出。",
        ),
        openers=("“{topic}”的算法如下：", "以算法形式表述“{topic}”："),
        shape="steps",
    ),
    "derivation": Phrases(
        instructions=(
            "请给出得到“{topic}”相关结论的推理过程。",
            "请从已知条件出发推导关于“{topic}”的结论。",
            "关于“{topic}”的结论是如何得到的？请说明论证思路。",
        ),
        openers=("从“{topic}”的已知条件出发。", "关于“{topic}”的论证如下。"),
        closers=("由此即得所求结论。", "推导完毕。"),
    ),
    "implementation": Phrases(
        instructions=(
            "如何在实践中实现“{topic}”？请指出需要实现的内容。",
            "请说明实现“{topic}”时需要完成哪些工作。",
            "开发者在实现“{topic}”之前应当了解什么？",
        ),
        openers=("实现“{topic}”时需要注意以下几点：", "要实现“{topic}”，应考虑："),
        shape="points",
    ),
    "analysis": Phrases(
        instructions=(
            "请分析“{topic}”：由它可以得到什么，需要什么条件？",
            "现有证据对“{topic}”说明了什么？请作简要分析。",
            "请讨论“{topic}”的优点与局限。",
        ),
        openers=("对“{topic}”的分析基于以下事实。", "仔细考察“{topic}”可以看到："),
        closers=("", "在上述条件下，该结论成立。"),
    ),
    "comparison": Phrases(
        instructions=(
            "请比较“{topic}”的不同情形，说明差异所在。",
            "“{topic}”与其他方案有何关系？",
            "请对比“{topic}”的不同方面。",
        ),
        openers=("就“{topic}”而言，对比如下：", "可以从以下几点比较“{topic}”："),
        shape="points",
    ),
    "application": Phrases(
        instructions=(
            "“{topic}”可以应用在哪些地方？有什么好处？",
            "请描述“{topic}”在实践中的一种用途。",
            "“{topic}”有助于解决哪些问题？",
        ),
        openers=("在实践中，“{topic}”的用法如下。", "“{topic}”之所以有用，原因如下。"),
    ),
}

PLAIN: Mapping[str, tuple[str, ...]] = {
    "en": (
        (
            "In short, {topic} comes down to three questions: what it is for, what it is made of, and how its parts "
            "work together. Answer them in this order, with one example for each."
        ),
        (
            "A good way to approach {topic} is to start with a small case, check it by hand, and only then generalise. "
            "Write down what is assumed at each step."
        ),
        (
            "{topic} is best treated in two parts: first the facts that are certain, then what follows from them. "
            "Whatever cannot be derived should be marked as an assumption."
        ),
        (
            "For {topic}, first state the goal in one sentence, then list what is known, and finally say what is still "
            "missing to reach it."
        ),
    ),
    "zh": (
        (
            "简而言之，理解“{topic}”需要回答三个问题：它的用途是什么，由哪些部分组成，各部分如何协同工作。"
            "请依次回答，并各举一例。"
        ),
        "处理“{topic}”的一个好办法是先从小例子入手，手工验证，然后再推广。每一步都要写明所作的假设。",
        "“{topic}”可以分两部分讨论：先列出确定的事实，再说明由此得到的结论。无法推出的内容应标明为假设。",
        "对于“{topic}”，先用一句话说明目标，再列出已知条件，最后指出还缺少什么。",
    ),
}
"""Answers to prompts that hold no passage."""

GENERIC_TITLES = frozenset(
    {
        *("introduction", "background", "related work", "method", "methods", "methodology", "approach", "results"),
        *("result", "discussion", "conclusion", "conclusions", "summary", "abstract", "overview", "evaluation"),
        *("experiments", "experiment", "appendix", "acknowledgements", "acknowledgments", "references", "notation"),
        *("preliminaries", "motivation", "outlook", "limitations", "setup", "future work", "results and discussion"),
        *("statement of need", "next steps", "prerequisites", "features", "examples", "example", "remarks"),
        *(
            "引言",
            "简介",
            "介绍",
            "绪论",
            "背景",
            "相关工作",
            "方法",
            "研究方法",
            "结果",
            "实验结果",
            "讨论",
            "结果与讨论",
        ),
        *("结论", "总结", "摘要", "概述", "实验", "附录", "致谢", "参考文献", "展望", "前言", "后续步骤", "先决条件"),
    }
)
"""Titles that say where in a paper we are, not what it is about."""
