"""The process of the `qwen-dataset` command: `python -m qwen_dataset` is the same."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 200_000  # between two looks for cycles, of which Python looks after each 700 or 2,000


def run() -> None:
    """Run the command that was typed, and end the process with its exit code.

    Python looks for unreachable cycles while it loads some thousand functions and classes, and once more through
    everything before it ends; hardly anything here makes any, and the system takes all memory back anyway.
    """
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    from .app.cli.main import main  # noqa: PLC0415 - what it loads is looked through otherwise

    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
