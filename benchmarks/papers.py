"""Writes synthetic papers, one JSON object a line, as many as asked: python benchmarks/papers.py COUNT.

Each has a title, an abstract and eight sections of prose, no sentence twice, about 8,000 characters: enough for four
passages. The same count gives the same papers.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import orjson

SECTIONS = 8
SENTENCES = 10  # a section
SUBJECTS = ("trap", "ion chain", "surface code", "laser", "resonator", "decoder", "ansatz", "noise model", "spectrum")
DEEDS = (
    "was measured with",
    "limits",
    "is explained by",
    "agrees with",
    "depends on",
    "is compared with",
    "slows down",
)
PLACES = (
    "at seven millikelvin",
    "in a weak field",
    "within the error",
    "for small depths",
    "in all runs",
    "at the edge",
)


def papers(count: int) -> Iterator[bytes]:
    """Yield the lines."""
    dice = random.Random(1)
    for number in range(count):
        parts = []
        for section in range(1, SECTIONS + 1):
            sentences = (sentence(dice, number, section, place) for place in range(SENTENCES))
            parts.append(f"{section} Section about the {dice.choice(SUBJECTS)}\n\n{' '.join(sentences)}\n")
        yield orjson.dumps(
            {
                "id": f"synthetic-{number}",
                "title": f"On the {dice.choice(SUBJECTS)} and the {dice.choice(SUBJECTS)}, part {number}",
                "abstract": f"We look at the {dice.choice(SUBJECTS)} once more, for the {number}th time.",
                "text": "\n".join(parts),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def sentence(dice: random.Random, number: int, section: int, place: int) -> str:
    first, second = dice.choice(SUBJECTS), dice.choice(SUBJECTS)
    return (
        f"In run {number}.{section}.{place} the {first} {dice.choice(DEEDS)} the {second}"
        f" {dice.choice(PLACES)}, which gives {dice.random():.6f} of it."
    )


def main() -> None:
    for line in papers(int(sys.argv[1])):
        sys.stdout.buffer.write(line)


if __name__ == "__main__":
    main()
