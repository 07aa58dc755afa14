"""The pages that people read, taken apart: their blocks, tables and links, and how what they show is compared."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
CONFIGURATION = ("docs/configuration.md", "docs/configuration.zh-CN.md")
PAGES = (*READMES, *CONFIGURATION)

MISSING = "…"
"""In what is shown: alone on a line any number of lines, else any text within the line."""

# When something was is never the same twice.
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(page), flags=re.DOTALL | re.MULTILINE)


def table(page: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first heading this is, without the headings."""
    rows = read(page).split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def calls(page: str) -> list[tuple[str, list[str]]]:
    """Return each command of the console blocks, without its comment, and what is shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in blocks(page, "console"):
        assert block.startswith("$ "), block
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:].split("    #")[0].strip(), []))
            else:
                found[-1][1].append(line)
    return found


def differs(shown: Sequence[str], said: Sequence[str]) -> str | None:
    """Return the shown lines as far as they could not be found in what was said, None where all is as shown."""
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == MISSING else _as_pattern(line) + r"\n" for line in shown)
    text = "".join(f"{_TIME.sub('TIME', line)}\n" for line in said)
    return None if re.fullmatch(pattern, text) else "\n".join([*shown, "--- but it said:", *said])


def _as_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _TIME.sub("TIME", line).split(MISSING))


def environment(**variables: str) -> dict[str, str]:
    """Return an environment without any settings of whoever runs the tests; output comes in the order it is made."""
    kept = ("HOME", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    inherited = {name: os.environ[name] for name in kept if name in os.environ}
    return {**inherited, "PATH": path, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **variables}
