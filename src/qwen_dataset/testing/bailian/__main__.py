"""``python -m qwen_dataset.testing.bailian``: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from importlib.util import find_spec

import attrs
import orjson

from ...errors import SettingError
from .settings import BailianSettings


def main(arguments: list[str] | None = None) -> int:
    """Print one line of JSON with the addresses and serve; 0 when told to stop, 2 for what cannot be used."""
    given = vars(_parser().parse_args(arguments))
    port = given.pop("port")
    if find_spec("aiohttp") is None:
        sys.stderr.write('the server needs aiohttp: pip install "qwen-dataset[testing]"\n')
        return 2
    try:
        settings = BailianSettings.from_params({name: value for name, value in given.items() if value is not None})
        return asyncio.run(_serve(settings, port))
    except (SettingError, OSError, OverflowError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qwen_dataset.testing.bailian",
        description="A local server that speaks Bailian's HTTP, on 127.0.0.1. Nothing is ever paid.",
        epilog="A fault is a chance (0.3) or, as a whole number, how often it happens (2: the first two times).",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    for field in attrs.fields(BailianSettings):
        wanted = str(field.metadata["wanted"]).replace("%", "%%")
        parser.add_argument(f"--{field.name.replace('_', '-')}", dest=field.name, metavar="VALUE", help=wanted)
    return parser


async def _serve(settings: BailianSettings, port: int) -> int:
    from .server import BailianServer  # noqa: PLC0415 - it needs an extra

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with BailianServer(settings, port=port) as server:
        addresses = {
            "base_url": server.base_url,
            "native_url": server.native_url,
            "batch_chat_url": server.batch_chat_url,
            "control_url": server.control_url,
            "pid": os.getpid(),
        }
        sys.stdout.write(orjson.dumps(addresses).decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
