"""YAML front matter: the metadata of a Markdown paper, read without building what it describes.

The document is composed to nodes and looked at, never constructed: no aliases are expanded, no keys merged, no types
guessed (a title ``2024`` stays text), so a small hostile file stays small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from .build import names, plain

if TYPE_CHECKING:
    import yaml

_OPEN = re.compile(r"---[ \t]*\n")
_CLOSE = re.compile(r"(?m)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_MOST_CHARS = 64 * 1024
_MOST_ALIASES = 100
_DEEPEST = 50


@attrs.frozen(kw_only=True)
class FrontMatter:
    """What the front matter says; the body begins at ``end`` (0 without front matter)."""

    end: int = 0
    title: str = ""
    abstract: str = ""
    authors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_front_matter(text: str) -> FrontMatter:
    """Return the front matter of a text. What cannot be used is a warning, never an error."""
    opened = _OPEN.match(text)
    closed = _CLOSE.search(text, opened.end()) if opened else None
    if opened is None or closed is None:
        return FrontMatter()
    inside = text[opened.end() : closed.start()]
    if len(inside) > _MOST_CHARS:
        return FrontMatter(end=closed.end(), warnings=("the front matter is ignored: it is larger than 64 KB",))
    try:
        fields = _fields(inside)
    except _Unusable as problem:
        return FrontMatter(end=closed.end(), warnings=(f"the front matter is ignored: {problem}",))
    if fields is None:
        # Two rules with prose between them, not metadata.
        return FrontMatter()
    title, abstract = fields.get("title"), fields.get("abstract")
    return FrontMatter(
        end=closed.end(),
        title=plain(title) if isinstance(title, str) else "",
        abstract=abstract.strip() if isinstance(abstract, str) else "",
        authors=names(fields.get("authors", fields.get("author", []))),
    )


class _Unusable(Exception):
    """The front matter cannot be used; says why."""


def _fields(inside: str) -> dict[str, object] | None:
    """Return title, abstract and authors as plain values, or None when ``inside`` is not a mapping."""
    import yaml  # noqa: PLC0415 - heavy: only when there is front matter

    try:
        _check(yaml.parse(inside, Loader=yaml.SafeLoader))
        root = yaml.compose(inside, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark is not None else ""
        raise _Unusable(f"it is not valid YAML ({problem}{where})") from None
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        return None
    wanted = {"title", "abstract", "author", "authors"}
    return {
        key.value: _value(value, depth=2)
        for key, value in root.value
        if isinstance(key, yaml.ScalarNode) and key.value in wanted
    }


def _check(events: Iterable[yaml.Event]) -> None:
    """Raise _Unusable at the first event that shows a hostile document: the parser is quadratic in the depth."""
    import yaml  # noqa: PLC0415 - heavy: only when there is front matter

    aliases = depth = 0
    for event in events:
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if aliases > _MOST_ALIASES:
            raise _Unusable(f"it has more than {_MOST_ALIASES} aliases")
        if depth > _DEEPEST:
            raise _Unusable("it is nested too deeply")


def _value(node: yaml.Node, depth: int) -> object:
    """Return a node as strings, lists and mappings down to ``depth``; deeper, and empty, is None."""
    import yaml  # noqa: PLC0415 - heavy: only when there is front matter

    if isinstance(node, yaml.ScalarNode):
        return str(node.value) if node.tag != "tag:yaml.org,2002:null" else None
    if depth and isinstance(node, yaml.SequenceNode):
        return [_value(child, depth - 1) for child in node.value]
    if depth and isinstance(node, yaml.MappingNode):
        found = {key.value: _value(child, depth - 1) for key, child in node.value if isinstance(key, yaml.ScalarNode)}
        if "name" not in found and "surname" in found:
            # The journal's way to write a name in two parts.
            found["name"] = f"{found.get('given-names', '')} {found['surname']}".strip()
        return found
    return None
