"""What the command `papers` tells of passages and tokens."""

from __future__ import annotations

PAIRS = (
    (
        "--show and --text contradict each other; leave one out, or add --json",
        "--show 与 --text 互相矛盾；请去掉其中一个，或加上 --json",
    ),
    (
        (
            "passage_overlap is {overlap:n}, and passage_tokens is {tokens:n}; let passages overlap by half of their"
            " length at most"
        ),
        "passage_overlap 是 {overlap}，passage_tokens 是 {tokens}；段落的重叠最多为其长度的一半",
    ),
    ("in all: {sums:t}", "合计：{sums}"),
    (
        "{papers:n} papers, {passages:n} passages, {tokens:n} tokens, {characters:n} characters",
        "{papers} 篇论文，{passages} 个段落，{tokens} 个 token，{characters} 个字符",
    ),
    (
        "  {name:c}  {papers:n} papers, {passages:n} passages, {tokens:n} tokens, {characters:n} characters",
        "  {name:8}  {papers} 篇论文，{passages} 个段落，{tokens} 个 token，{characters} 个字符",
    ),
    ("  left out (characters): {what:t}", "  未采用（字符数）：{what}"),
    (
        "{passages:n} passages have more than {tokens:n} tokens: a formula, table, code block or sentence is never cut",
        "有 {passages} 个段落超过 {tokens} 个 token：公式、表格、代码块和句子从不切断",
    ),
    ("{model}: tokens {how:s}", "{model}：token 数{how}"),
    (
        "counted as Qwen3's; as Qwen3.5's English +3 %, Chinese -12 %",
        "按 Qwen3 计算；若按 Qwen3.5，英文 +3%，中文 -12%",
    ),
    (
        "counted as Qwen3.5's; as Qwen3's English -3 %, Chinese +14 %",
        "按 Qwen3.5 计算；若按 Qwen3，英文 -3%，中文 +14%",
    ),
    ("counted as Qwen3.5's, which it may not be", "按 Qwen3.5 计算，该模型可能并非如此"),
    ("offsets", "位置"),
    ("tokens", "token 数"),
    ("begins … ends", "开头 … 结尾"),
    ("left out ({reason:s}):", "未采用（{reason}）："),
    ("(cannot be cut)", "（不可切断）"),
    ("references", "参考文献"),
    ("acknowledgements", "致谢"),
    ("funding", "资助"),
    ("declarations", "声明"),
    ("front_matter", "作者与出版信息"),
    ("contents", "目录"),
    ("licence", "版权与许可"),
    ("too_short", "过短"),
)
