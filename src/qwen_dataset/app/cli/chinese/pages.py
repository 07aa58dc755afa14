"""What is wrong with papers that are web pages."""

from __future__ import annotations

PAIRS = (
    (
        (
            "{source} holds no text; it is made by a script in the browser: save the page from the browser once it is"
            " shown"
        ),
        "{source} 里没有文字；文字由浏览器里的脚本生成：请在浏览器显示出页面之后再保存",
    ),
    ("{source} cannot be read as a page: {why:t}", "无法把 {source} 当作网页读取：{why}"),
    (
        (
            "{source} is too large for a page: {size:w} bytes without its pictures, and at most {most:w} are read;"
            " split it into its chapters"
        ),
        "{source} 作为网页太大：不算图片有 {size} 字节，最多读取 {most} 字节；请按章节拆开",
    ),
    (
        "{source} is no page of a paper: it has {tags:w} tags, and at most {most:w} are read",
        "{source} 不是论文网页：它有 {tags} 个标签，最多读取 {most} 个",
    ),
    (
        "{source} is no page of a paper: one of its tags is longer than {most:w} bytes",
        "{source} 不是论文网页：其中一个标签超过 {most} 字节",
    ),
    (
        (
            "{source} is no page of a paper: it has more than {most:w} elements outside formulas; split it into its"
            " chapters"
        ),
        "{source} 不是论文网页：公式之外的元素超过 {most} 个；请按章节拆开",
    ),
    (
        "{source} is no page of a paper: its elements nest deeper than {most:w} levels",
        "{source} 不是论文网页：元素嵌套超过 {most} 层",
    ),
)
