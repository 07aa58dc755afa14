"""A web page to a paper."""

from __future__ import annotations

from ....domain.papers import Paper
from ....errors import ReadError
from ..build import Outline, build_paper, stem
from .encoding import page_text
from .front import front_of
from .furniture import main_element
from .inline import BREAK
from .output import Output
from .tree import Page, around, parse
from .writer import Writer

SUFFIXES: tuple[str, ...] = (".html", ".htm", ".xhtml")
READER = "html/1"

_LONGEST_ABSTRACT = 10_000


def read_html(data: bytes, *, source: str) -> Paper:
    """Return the paper on a web page. Offsets count in the text that is made of it, which is Markdown with TeX.

    Only the article is read: menus, side bars, notices, buttons and the labels of figures are left out. Raises
    ReadError naming ``source`` when the page is no text, holds none, or is beyond a bound (32 MiB without its pictures,
    2,000,000 tags, 400,000 elements outside formulas, elements 1,000 deep); ModuleNotFoundError when the library for
    HTML is not installed.
    """
    text = page_text(data, source=source).replace(BREAK, "")
    page = parse(text, source=source)
    main = main_element(page.root)
    front = front_of(page, main)
    title = front.title or stem(source)
    out = Output(title=title)
    body = out.begin()
    writer = Writer(
        out=out,
        whole=main.prose,
        title_node=front.node,
        title_blocks=around(main, front.node) if front.node else (),
        scripted=page.tex_scripts,
    )
    writer.write(main)
    if not out.blocks:
        raise _without_text(page, source)
    written = out.text()
    start, end = writer.parts.abstract_span
    return build_paper(
        written,
        Outline(
            title=title,
            headings=tuple(out.headings),
            blocks=tuple(out.blocks),
            body_start=body,
            abstract=written[start:end][:_LONGEST_ABSTRACT],
            authors=front.authors,
        ),
        source=source,
        reader=READER,
    )


def _without_text(page: Page, source: str) -> ReadError:
    if page.scripted:
        return ReadError(
            f"{source} holds no text; it is made by a script in the browser: save the page from the browser once it is"
            " shown"
        )
    return ReadError(f"{source} holds no text")
