"""What is wrong with dumps of papers and the records in them."""

from __future__ import annotations

PAIRS = (
    ("{source} record {number:n}", "{source} 第 {number} 条记录"),
    ("{where:t} is an object without any field", "{where} 是没有任何字段的对象"),
    (
        (
            '{where:t} has no "text", nor a "full_text", "content", "body_text", "sections" or "abstract" that a paper'
            " could be read from; it has {fields:l}"
        ),
        (
            '{where} 没有 "text"，也没有能读出论文的 "full_text"、"content"、"body_text"、"sections" 或 "abstract"；'
            "它的字段有 {fields}"
        ),
    ),
    ("{where:t} has no paragraph that could be read in its {name:w}", "{where} 的 {name} 里没有能读取的段落"),
    (
        "{where:t} is not JSON: {why:t} (line {line:n}, column {column:n})",
        "{where} 不是 JSON：{why}（第 {line} 行，第 {column} 列）",
    ),
    (
        "{where:t} is longer than {most:w} bytes; a dump of papers has one paper a line",
        "{where} 超过 {most} 字节；论文数据文件每行是一篇论文",
    ),
    (
        "{where:t} is no paper: it has {values:w} values, and at most {most:w} are read",
        "{where} 不是论文：它有 {values} 个值，最多读取 {most} 个",
    ),
    (
        (
            "{source} is too large for JSON: {size:w} bytes, and at most {most:w} are read; save it as JSON Lines"
            " (.jsonl), one paper a line"
        ),
        "{source} 作为 JSON 太大：有 {size} 字节，最多读取 {most} 字节；请存为 .jsonl，每行一篇论文",
    ),
    ("{source} is an empty list of papers", "{source} 是空的论文列表"),
    ("it holds no full text, only a title and an abstract", "它没有全文，只有标题和摘要"),
    ("its body is almost empty ({size:n} characters)", "它的正文几乎是空的（{size} 个字符）"),
    (
        "formulas that its text names are missing in the record: {count:n}",
        "正文提到而记录里缺少的公式数：{count}",
    ),
)
