"""What is wrong with papers in PDF files."""

from __future__ import annotations

PAIRS = (
    ("{source} is empty", "{source} 是空的"),
    ("{source} is no PDF file: it does not begin as one", "{source} 不是 PDF 文件：开头不像 PDF"),
    (
        "{source} is a damaged PDF file: it cannot be opened; get it again",
        "{source} 是损坏的 PDF 文件，无法打开；请重新获取",
    ),
    (
        "{source} is a PDF file that is cut off or damaged: it cannot be opened; get it again",
        "{source} 是不完整或损坏的 PDF 文件，无法打开；请重新获取",
    ),
    (
        "{source} is protected by a password; save it without one",
        "{source} 受密码保护；请另存为不带密码的文件",
    ),
    (
        "{source} unpacks to more than {megabytes:n} MB of text and drawings, more than any paper",
        "{source} 解压后的文字和图形超过 {megabytes} 兆字节，不会是论文",
    ),
    ("{source} has no pages", "{source} 没有页面"),
    (
        "{source} has {pages} pages; at most {most} are read: split it into papers",
        "{source} 有 {pages} 页；最多读取 {most} 页：请按论文拆分",
    ),
    (
        "{source} holds {characters} characters on page {page}, more than any page of a paper",
        "{source} 的第 {page} 页有 {characters} 个字符，论文的一页不会有这么多",
    ),
    (
        "{source} holds more than {characters} characters of text, more than any paper",
        "{source} 的文字超过 {characters} 个字符，不会是论文",
    ),
    (
        "{source} is damaged: none of its {pages} pages can be read",
        "{source} 已损坏：它的 {pages} 页没有一页能读取",
    ),
    (
        "{source} holds pictures of text and no text; run OCR first",
        "{source} 里只有文字的图片，没有文字；请先做文字识别",
    ),
    ("{source} holds no text: its pages are empty", "{source} 里没有文字：页面是空的"),
    (
        "{source} holds no text but page numbers and running heads",
        "{source} 里除了页码和页眉页脚没有别的文字",
    ),
    (
        "{broken} of its {pages} pages cannot be read and are left out",
        "共 {pages} 页，其中 {broken} 页无法读取，已略去",
    ),
    (
        "{empty} of its {pages} pages hold no text; if they are scanned, run OCR first",
        "共 {pages} 页，其中 {empty} 页没有文字；如果是扫描件，请先做文字识别",
    ),
)
