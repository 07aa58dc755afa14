"""Papers put together of sections and blocks, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from qwen_dataset.domain.papers import Block, BlockKind, Paper, Section

P, F, T, C = BlockKind.PARAGRAPH, BlockKind.FORMULA, BlockKind.TABLE, BlockKind.CODE
Part = tuple[tuple[str, ...], Sequence[tuple[BlockKind, str]]]


def make(*parts: Part, language: str = "en") -> Paper:
    """Return a paper of sections, each a path and its blocks, with a blank line after each block."""
    texts: list[str] = []
    sections = []
    size = 0
    for path, blocks in parts:
        start = size
        placed = []
        for kind, content in blocks:
            placed.append(Block(size, size + len(content), kind))
            texts.append(content + "\n\n")
            size += len(content) + 2
        sections.append(Section(path=path, start=start, end=size, blocks=tuple(placed)))
    return Paper(
        title="T", text="".join(texts), source="s", sections=tuple(sections), language=language, reader="test/1"
    )


def sentences(count: int, length: int = 100) -> str:
    return " ".join(("S" + "x" * (length - 2) + ".") for _ in range(count))
