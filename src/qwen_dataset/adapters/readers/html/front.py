"""Title and authors of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import attrs
import orjson

from ..build import is_section_name, same_title
from .furniture import is_permalink
from .inline import Inline, Verbatim
from .mathml import Formula
from .tree import HEADINGS, Node, Page

_TITLES = ("citation_title", "dc.title", "dcterms.title", "eprints.title", "bepress_citation_title")
_AUTHORS = ("citation_author", "dc.creator", "dcterms.creator", "author", "article:author")
_ARXIV = re.compile(r"\[[\w.\-/]{7,20}\]\s*")
_SEPARATOR = re.compile(r"\s+(?:[-–—|·»]|::)\s+")
_SITE = re.compile(
    r"\b(?:documentation|docs|wiki(?:pedia)?|arxiv|pmc|blog|sciencedirect|springer|github|home ?page|journal"
    r"|proceedings|tutorials?|manual|readthedocs|ar5iv)\b|文档|百科|博客",
    re.IGNORECASE,
)
_LONGEST = 300
# A title stands before the first hundreds of headings, and is no longer than this.
_MOST_HEADINGS = 500
_MOST_CHARS = 2_000
_NUMBERED = re.compile(r"(?:[A-Z]|\d+)(?:\.\d+)*[.:]?\s")
_BOLD = ("ltx_font_bold",)
_BETWEEN_NAMES = re.compile(r"\s*(?:,|;|&|\band\b|、|，|\n)\s*")
_FRONT_TITLE = re.compile(r"(?m)^\s*title\s*:\s*(.{1,300}?)\s*$")
_FRONT_AUTHOR = re.compile(r"\s*-\s*[\"']?([^:\n\"']{2,100})[\"']?\s*(?::|$)")


@attrs.frozen(kw_only=True)
class Front:
    """What a page says of itself; ``node`` is the element of the title in its text, if there is one."""

    title: str = ""
    authors: tuple[str, ...] = ()
    node: Node | None = None


def front_of(page: Page, main: Node) -> Front:
    """Return the title and the authors of a page; the title is "" where it names none."""
    metas = page.metas
    every = (node for node in page.root.nodes() if node.tag in HEADINGS and _words(node))
    headings = list(islice(every, _MOST_HEADINGS))
    known = next(_known(page, headings), "")
    authors = tuple(dict.fromkeys(_authors(page)))
    if known:
        same = next((node for node in headings[:3] if same_title(_words(node), known)), None)
        return Front(title=known, authors=authors, node=same)
    site = next((content for name, content in metas if name == "og:site_name"), "")
    named = _without_site(page.title, site)
    inside = list(islice((node for node in main.nodes() if node.tag in HEADINGS), _MOST_HEADINGS))
    top = [node for node in headings if node.tag == "h1"]
    fitting = [node for node in top if same_title(_words(node), named) or _begins(page.title, _words(node))]
    marked = [node for node in top if node.has_class("title")]
    # A single one of the first level is the title: in the paper's element, or on the page where that has none.
    own = [node for node in inside if node.tag == "h1"] or top
    for found in (fitting[:1], own if len(own) == 1 else [], marked[:1]):
        if found and not is_section_name(_words(found[0])):
            return Front(title=_words(found[0]), authors=authors, node=found[0])
    return _untitled(named, inside, main, authors)


def _untitled(named: str, headings: list[Node], main: Node, authors: tuple[str, ...]) -> Front:
    """Return the title of a page without a heading for it: what its head says, unless that is the first section's."""
    same = next((node for node in headings if named and same_title(_words(node), named)), None)
    if same is not None and same is headings[0] and not any(one.tag <= same.tag for one in headings[1:]):
        return Front(title=named, authors=authors, node=same)
    if same is not None or not named or _NUMBERED.match(named):
        bold = _bold(main)
        if bold is not None:
            return Front(title=_words(bold), authors=authors, node=bold)
    return Front(title=named, authors=authors)


def _known(page: Page, headings: list[Node]) -> Iterator[str]:
    """Yield the titles that need no guessing."""
    for node in headings:
        if node.has_class("ltx_title_document"):
            yield _words(node)
    for wanted in _TITLES:
        for name, content in page.metas:
            if name == wanted and content.strip():
                yield " ".join(content.split())
    for text in page.front:
        title = _json(text).get("title")
        if isinstance(title, str) and title.strip():
            yield " ".join(title.split())
        elif found := _FRONT_TITLE.search(text):
            yield found[1].strip("\"' ")


def _authors(page: Page) -> Iterator[str]:
    for wanted in _AUTHORS:
        found = [content for name, content in page.metas if name == wanted and content.strip()]
        if found:
            for one in found[:10_000]:
                yield _name(one)
            return
    creators = [node for node in page.root.nodes() if node.has_class("ltx_personname")]
    for node in creators[:10_000]:
        yield from _names(_first_line(node))
    if not creators:
        for text in page.front:
            yield from _front_authors(text)


def _front_authors(text: str) -> Iterator[str]:
    """Yield the authors that Distill's front matter names, in JSON or in lines."""
    listed = _json(text).get("authors")
    for one in listed if isinstance(listed, list) else ():
        name = one.get("author") or one.get("name") if isinstance(one, dict) else one
        if isinstance(name, str) and name.strip():
            yield _name(name)
    lines = iter(text.splitlines()[:10_000])
    for line in lines:
        if line.strip() == "authors:":
            for entry in lines:
                found = _FRONT_AUTHOR.match(entry)
                if not found:
                    return
                yield _name(found[1])


def _name(text: str) -> str:
    """Return a name in the order in which it is spoken."""
    parts = [" ".join(part.split()) for part in text.split(",")]
    return f"{parts[1]} {parts[0]}" if len(parts) == 2 and all(parts) else ", ".join(filter(None, parts))


def _names(text: str) -> Iterator[str]:
    for part in _BETWEEN_NAMES.split(text[:2000]):
        name = re.sub(r"[\d*†‡§¶∗]+", "", part).strip(" ,.;")
        if sum(map(str.isalpha, name)) >= 2 and "@" not in name:
            yield " ".join(name.split())


def _first_line(node: Node) -> str:
    """Return an author's line without the marks and notes that stand above it."""
    parts: list[str] = []
    stack: list[Node | str | Formula] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, Node):
            if item.tag == "br" and "".join(parts).strip():
                break
            if item.tag not in ("sup", "br") and not item.has_class("ltx_note"):
                stack.extend(reversed(item.children))
    return " ".join("".join(parts).split())


def _bold(main: Node) -> Node | None:
    """Return the first paragraph if it is set in bold throughout, as a title is that somebody made by hand."""
    first = next((node for node in main.nodes() if node.tag in ("p", *HEADINGS) and _words(node)), None)
    if first is None or first.tag != "p" or not 5 <= len(_words(first)) <= _LONGEST:
        return None
    inside = [child for child in first.children if not (isinstance(child, str) and not child.strip())]
    bold = inside[0] if len(inside) == 1 else None
    if isinstance(bold, Node) and (bold.tag in ("b", "strong") or bold.has_class(*_BOLD)):
        return first
    return None


def _without_site(title: str, site: str) -> str:
    """Return a page's title without the name of its site."""
    title = _ARXIV.sub("", title, count=1) if _ARXIV.match(title) else title
    while len(parts := _SEPARATOR.split(title)) > 1:
        last = parts[-1]
        if not (_SITE.search(last) or (site and same_title(last, site))):
            break
        title = title[: title.rindex(last)].rstrip(" -–—|·»:")
    return title


def _begins(title: str, heading: str) -> bool:
    words = [re.sub(r"\W+", "", text).casefold() for text in (title, heading)]
    return bool(words[1]) and words[0].startswith(words[1])


def _words(node: Node) -> str:
    """Return what a heading says, without the mark that links to it."""
    inline = Inline()
    size = 0
    stack: list[Node | str | Formula] = [node]
    while stack and size < _MOST_CHARS:
        item = stack.pop()
        if not isinstance(item, Node):
            size += len(item if isinstance(item, str) else item.tex)
            inline.add(item[:_MOST_CHARS] if isinstance(item, str) else item)
        elif item.tag == "br":
            inline.add(Verbatim(" "))
        elif not (item.tag == "a" and is_permalink(item)) and not item.has_class("headerlink", "ltx_note"):
            stack.extend(reversed(item.children))
    return inline.line()


def _json(text: str) -> dict[str, object]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
