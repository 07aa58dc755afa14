"""The process of the `qwen-dataset` command: `python -m qwen_dataset` is the same."""

from __future__ import annotations

import gc

from .app.cli import language
from .app.cli.main import main

_NEW_OBJECTS = 200_000  # between two looks for cycles; 700 is Python's own


def run() -> None:
    """Run the command that was typed, and end the process with its exit code.

    Python looks for unreachable cycles while it loads some thousand functions and classes, and once more through
    everything before it ends; hardly anything here makes any, and the system takes all memory back anyway.
    """
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    try:
        main(prog_name=language.NAME)
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
