"""What became of the files that were named: counts, and some of each kind in words."""

from __future__ import annotations

import attrs

_NOTED = 100  # how many of each kind are remembered by name


@attrs.define
class ReadReport:
    """What became of the files: counts, and the first hundred of each kind in words.

    ``unread``: named by a person or of a reader's suffix, and failed. ``ignored``: other files found in a folder, also
    parts of papers, and links that leave the folder. ``repeated``: the same paper as one read before. ``alike``: a
    paper that was read, and looks like one read before in another format.
    """

    papers: int = 0
    unread: int = 0
    ignored: int = 0
    repeated: int = 0
    alike: int = 0
    unread_notes: list[str] = attrs.field(factory=list)
    ignored_notes: list[str] = attrs.field(factory=list)
    repeated_notes: list[str] = attrs.field(factory=list)
    alike_notes: list[str] = attrs.field(factory=list)

    def note_unread(self, sentence: str, *, silent: bool = False) -> None:
        """Count what could not be read; a ``silent`` one is not remembered in words."""
        self.unread += 1
        if not silent:
            _note(self.unread_notes, sentence)

    def note_ignored(self, source: str) -> None:
        self.ignored += 1
        _note(self.ignored_notes, source)

    def note_repeated(self, sentence: str) -> None:
        self.repeated += 1
        _note(self.repeated_notes, sentence)

    def note_alike(self, sentence: str) -> None:
        self.alike += 1
        _note(self.alike_notes, sentence)


def _note(notes: list[str], sentence: str) -> None:
    if len(notes) < _NOTED:
        notes.append(sentence)
