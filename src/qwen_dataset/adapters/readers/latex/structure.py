"""Handlers of what a paper is made of: headings, environments, lists, captions, notes, title and authors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from . import marks
from .commands import ABSTRACTS, AUTHORS, HEADINGS, NOTES, SUBTITLES, THANKS, TITLES, TYPED
from .conditions import CONDITIONS
from .definitions import DEFINITIONS
from .environments import ARGUMENTS, FLOATS, FLOWING, LISTS, THEOREMS
from .flatten import Flattener, Handler
from .formulas import FORMULA_HANDLERS, verbatim_environment
from .lists import List, numbered
from .typed import typed_text

_BREAK = "\n\n"
# An argument right behind the \begin of an environment that is not known: options, a length, a colour.
_LONGEST_OPTIONS = 200
_ASSIGNED = re.compile(r"\s*[=+]+\s*(?=\[)")
# What stands above both columns: title, authors and abstract.
_LONGEST_ABOVE = 20_000
_RUN_IN = ".:。："


def _heading(machine: Flattener, name: str) -> None:
    stream = machine.stream
    stream.star()
    stream.option()
    stream.option()
    title = stream.argument()
    machine.enclose(f"{_BREAK}{marks.HEADING}{HEADINGS[name]}", title, marks.HEADING_END + _BREAK)


def _front(keep: Callable[[Flattener], list[str]]) -> Handler:
    def handler(machine: Flattener, _: str) -> None:
        machine.stream.star()
        machine.stream.option()
        keep(machine).append(machine.stream.argument())

    return handler


def _author(machine: Flattener, name: str) -> None:
    machine.stream.star()
    machine.stream.option()
    machine.front.authors.append(machine.stream.argument())
    if name == "icmlauthor":
        machine.stream.group()


def _abstract(machine: Flattener, _: str) -> None:
    inside = machine.stream.group()
    if inside is not None:
        machine.enclose(_section(marks.ABSTRACT), inside, _BREAK + marks.SECTION_END + _BREAK)


def _thanks(machine: Flattener, _: str) -> None:
    inside = machine.stream.group()
    machine.emit(_section(marks.THANKS))
    if inside is not None:
        machine.enclose("", inside, _BREAK + marks.SECTION_END + _BREAK)


def _note(machine: Flattener, _: str) -> None:
    machine.stream.option()
    machine.enclose(marks.ASIDE + marks.NOTE, machine.stream.argument(), marks.ASIDE_END)


def _caption(machine: Flattener, name: str) -> None:
    stream = machine.stream
    stream.star()
    kind = machine.floats[-1] if machine.floats else marks.FIGURE
    if name == "captionof":
        kind = marks.TABLE if "tab" in stream.argument().lower() else marks.FIGURE
    stream.option()
    machine.enclose(marks.CAPTION + kind, stream.argument(), marks.CAPTION_END)


def _subfloat(machine: Flattener, _: str) -> None:
    stream = machine.stream
    options = [stream.option(), stream.option()]
    caption = next((option for option in reversed(options) if option), "")
    inside = stream.argument()
    machine.enclose("", inside, "")
    if caption:
        machine.enclose(marks.CAPTION + marks.FIGURE, caption, marks.CAPTION_END)


def _typed(machine: Flattener, _: str) -> None:
    inside = machine.stream.argument()
    text = typed_text(inside)
    if text is None:
        machine.enclose("", inside, "")
    elif text:
        machine.emit(machine.vault.keep(machine.vault.restore(text)))


def _item(machine: Flattener, _: str) -> None:
    label = machine.stream.option()
    current = machine.lists[-1] if machine.lists else List("-")
    machine.emit(f"{_BREAK}{marks.ITEM}{max(1, min(9, len(machine.lists)))}")
    if label is None or not label.strip(" \\{}*-–—+·•"):
        machine.emit(current.mark() + " ")
    else:
        machine.enclose("", label, " " if current.kind != ":" or label.strip()[-1] in _RUN_IN else ": ")


def _bibitem(machine: Flattener, _: str) -> None:
    machine.stream.option()
    machine.stream.argument()
    machine.emit(f"{_BREAK}{marks.ITEM}1- ")


def _paragraph_end(machine: Flattener, _: str) -> None:
    machine.stream.skip_line_space()
    machine.emit(_BREAK)


def _twocolumn(machine: Flattener, _: str) -> None:
    machine.enclose(_BREAK, machine.stream.option(_LONGEST_ABOVE) or "", _BREAK)


def _epigraph(machine: Flattener, _: str) -> None:
    quote, author = machine.stream.argument(), machine.stream.argument()
    machine.enclose(_BREAK, f"{quote} --- {author}", _BREAK)


def _style(machine: Flattener, _: str) -> None:
    machine.stream.argument()
    frame = machine.stream.top()
    if found := _ASSIGNED.match(frame.text, frame.position):
        frame.position = found.end()
        machine.stream.option()


def _begin(machine: Flattener, _: str) -> None:
    stream = machine.stream
    name = (stream.group() or "").strip()
    if verbatim_environment(machine, name):
        return
    if own := machine.environments.get(name):
        # A definition that begins the environment it defines means the one of LaTeX.
        if machine.stream.push(machine.stream.call(own.begin)):
            return
        machine.warn(f"the environment {name} stands for itself without end")
    elif name in machine.theorems or name.rstrip("*") in THEOREMS:
        _begin_theorem(machine, name)
    elif name.rstrip("*") in ABSTRACTS:
        stream.option()
        machine.emit(_section(marks.ABSTRACT))
    elif name.rstrip("*") in THANKS:
        machine.emit(_section(marks.THANKS))
    elif name == "thebibliography":
        stream.argument()
        machine.lists.append(List("-"))
        machine.emit(_section(marks.REFERENCES))
    elif name in LISTS:
        options = stream.read(ARGUMENTS.get(name, "["))[0]
        depth = sum(one.kind == "1" for one in machine.lists[-9:])
        machine.lists.append(numbered(options, depth) if LISTS[name] == "1" else List(LISTS[name]))
        machine.emit("" if name in FLOWING else _BREAK)
    elif name in FLOATS:
        stream.read(ARGUMENTS.get(name, "["))
        machine.floats.append(FLOATS[name])
        machine.emit(marks.ASIDE + FLOATS[name])
    else:
        _begin_other(machine, name)


def _begin_theorem(machine: Flattener, name: str) -> None:
    shown = machine.theorems.get(name) or THEOREMS[name.rstrip("*")]
    note = machine.stream.option()
    if name == "proof" and note:
        shown, note = note, None
    if name in machine.boxed:
        note, _ = machine.stream.read("{{")
    machine.enclose(_BREAK, f"{shown} ({note})" if note else shown, ". ")


def _begin_other(machine: Flattener, name: str) -> None:
    stream = machine.stream
    machine.emit("" if name in FLOWING else _BREAK)
    if name in ARGUMENTS:
        stream.read(ARGUMENTS[name])
        return
    while stream.option() is not None:
        pass
    frame = stream.frames[-1]
    if name and frame.text.startswith("{", frame.position):
        inside = stream.argument()
        looks_like_options = len(inside) < _LONGEST_OPTIONS and (
            "=" in inside or "\\" in inside or " " not in inside.strip()
        )
        if not looks_like_options:
            machine.enclose("", inside, _BREAK)


def _end(machine: Flattener, _: str) -> None:
    name = (machine.stream.group() or "").strip()
    plain = name.rstrip("*")
    if own := machine.environments.get(name):
        machine.stream.charge(len(own.end))
        machine.stream.push(own.end)
    elif plain in ABSTRACTS or plain in THANKS:
        machine.emit(_BREAK + marks.SECTION_END + _BREAK)
    elif name in LISTS or name == "thebibliography":
        if machine.lists:
            machine.lists.pop()
        machine.emit(_BREAK + (marks.SECTION_END + _BREAK if name == "thebibliography" else ""))
    elif name in FLOATS:
        if machine.floats:
            machine.floats.pop()
        machine.emit(marks.ASIDE_END)
    elif name not in FLOWING:
        machine.emit(_BREAK)


def _section(kind: str) -> str:
    return f"{_BREAK}{marks.HEADING}{kind}{marks.HEADING_END}{_BREAK}"


def _each(names: frozenset[str] | Mapping[str, object], handler: Handler) -> dict[str, Handler]:
    return {"\\" + name: handler for name in names}


HANDLERS: Mapping[str, Handler] = {
    **DEFINITIONS,
    **CONDITIONS,
    **FORMULA_HANDLERS,
    **_each(HEADINGS, _heading),
    **_each(TITLES, _front(lambda machine: machine.front.titles)),
    **_each(SUBTITLES, _front(lambda machine: machine.front.subtitles)),
    **_each(AUTHORS, _author),
    **_each(ABSTRACTS, _abstract),
    **_each(THANKS, _thanks),
    **_each(NOTES, _note),
    **dict.fromkeys(("\\caption", "\\captionof", "\\subcaption"), _caption),
    **dict.fromkeys(("\\subfloat", "\\subfigure"), _subfloat),
    **_each(TYPED, _typed),
    "\\item": _item,
    "\\bibitem": _bibitem,
    **dict.fromkeys(("\\par", "\\endgraf", "\\newpage", "\\clearpage", "\\cleardoublepage"), _paragraph_end),
    "\\twocolumn": _twocolumn,
    "\\epigraph": _epigraph,
    "\\tikzstyle": _style,
    "\\begin": _begin,
    "\\end": _end,
}
