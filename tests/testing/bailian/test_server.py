"""The server as a program and as an object: flags, control, ledger, start and stop; and that it bears a load."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qwen_dataset.errors import SettingError
from qwen_dataset.testing.bailian import BailianServer, BailianSettings, RunningServer, __main__, serve_in_thread
from qwen_dataset.testing.bailian.settings import known_names
from tests.testing.bailian.asking import Asker, ask, line

COMMAND = [sys.executable, "-m", "qwen_dataset.testing.bailian"]


def control(asker: Asker, method: str, path: str, body: Any = None) -> Any:
    return ask(method, f"{asker.server.control_url}/{path}", body)


def test_the_ledger_over_http(asker: Asker) -> None:
    asker.run(3, metadata={"ds_name": "x", "qwen_dataset_key": "k"})
    asker.run(3)
    asker.chat(text="What is 1?")
    ledger = control(asker, "GET", "ledger").json
    assert ledger["paid_total"] == 7
    assert ledger["paid_twice"] == 3
    assert ledger["bodies_paid_twice"] == 4, "the call asked what a line had asked"
    assert {name: ledger["paid"][name] for name in ("id-0", "id-1", "id-2")} == dict.fromkeys(
        ("id-0", "id-1", "id-2"), 2
    )
    assert ledger["calls"] == {"upload": 2, "create": 2, "retrieve": 8, "chat": 1}
    first, second = ledger["batches"]
    assert first["metadata"] == {"ds_name": "x", "qwen_dataset_key": "k"}
    assert (first["ends"], first["total"], first["paid"], second["metadata"]) == ("completed", 3, 3, None)
    assert asker.server.ledger.paid_twice() == asker.server.paid_twice() == 3


def test_a_batch_that_nobody_looked_at_counts_as_it_will_end(asker: Asker) -> None:
    batch = asker.start(40)
    assert asker.server.totals()["paid_total"] == 40
    asker.look(batch)
    asker.post(f"/batches/{batch['id']}/cancel")
    assert 0 < asker.server.totals()["paid_total"] < 40
    asker.start([line(1, model="no-such-model")])
    assert asker.server.totals()["batches"][1]["problems"] == 1


def test_one_custom_id_with_two_bodies_is_not_paid_twice(asker: Asker) -> None:
    asker.run([line(1)])
    asker.run([line(1, temperature=0.5)])
    totals = asker.server.totals()
    assert totals["paid_twice"] == 0
    assert all(name.startswith("id-1 ") for name in totals["paid"])


def test_control_changes_settings_and_time(asker: Asker) -> None:
    assert control(asker, "POST", "settings", {"fail": 2, "key": "sk-x"}).json["fail"] == 2
    assert control(asker, "POST", "settings?fail=0.5&speed=3").json["fail"] == 0.5
    shown = control(asker, "GET", "settings").json
    assert shown["speed"] == 3
    assert "key" not in shown
    wrong = control(asker, "POST", "settings", {"fail": 3.5})
    assert wrong.status == 400
    assert wrong.json["error"].startswith("bailian: fail=3.5 is not usable, it must be a chance from 0.0 to 1.0")
    assert control(asker, "POST", "settings", [1]).status == 400
    now = control(asker, "POST", "advance", {"seconds": 1000}).json["now"]
    assert now > time.time() + 900
    assert control(asker, "POST", "advance?seconds=1").status == 200
    assert control(asker, "POST", "advance", {"second": 1}).status == 400
    assert "control" not in str(asker.server.totals()["calls"])


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("fail", 1.5, "a chance"),
        ("fail", -1, "a chance"),
        ("fail", True, "a chance"),
        ("fail", "often", "a chance"),
        ("seed", 1.5, "a whole number"),
        ("requests", 0, "1 or more"),
        ("speed", 0, "above 0"),
        ("latency", "inf", "seconds"),
        ("rates", "perhaps", "yes or no"),
        ("answers", "true", "fake or echo"),
        ("on", "moon", "one or more of upload"),
        ("other_error", "200:Fine:x", "status:code:text"),
        ("other_error", "x", "status:code:text"),
        ("duration", None, "above 0"),
    ],
)
def test_a_value_that_is_not_usable_is_one_sentence(name: str, value: Any, wanted: str) -> None:
    with pytest.raises(SettingError, match=rf"^bailian: {name}=.* is not usable, it must be .*{wanted}"):
        BailianSettings.from_params({name: value})


def test_an_unknown_parameter_names_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"there is no parameter 'fial'; known parameters: seed, .*lose_create"):
        BailianSettings.from_params({"fial": 1})


def test_texts_and_values_are_read_alike() -> None:
    texts = {"fail": "2", "late": "0.5", "rates": "yes", "on": "chat+native", "window": "60", "key": "sk", "rpm": "5"}
    values = {"fail": 2, "late": 0.5, "rates": True, "on": ("chat", "native"), "window": 60.0, "key": "sk", "rpm": 5}
    assert BailianSettings.from_params(texts) == BailianSettings.from_params(values)
    assert BailianSettings(fail="1.0").fail == 1.0  # type: ignore[arg-type]
    assert isinstance(BailianSettings(fail=1).fail, int)
    assert BailianSettings(window=None, key=None) == BailianSettings()


def test_every_setting_is_told() -> None:
    told = BailianSettings.__doc__ or ""
    assert [name for name in known_names().split(", ") if name not in told] == []


def test_it_runs_in_the_loop_of_its_user() -> None:
    async def scenario() -> str:
        async with BailianServer() as server:
            assert server.settings == BailianSettings()
            server.configure(fail=1)
            server.advance(60)
            assert server.settings.fail == 1
            assert await asyncio.to_thread(ask, "GET", f"{server.base_url}/batches")
            assert server.ledger.calls == {"list": 1}
            return server.control_url

    url = asyncio.run(scenario())
    with pytest.raises(ConnectionRefusedError):
        ask("GET", f"{url}/ledger")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), serve_in_thread(port=port):
            pass
        assert __main__.main(["--port", str(port)]) == 2


def test_it_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serve_in_thread() as server:
        asker = Asker(server)
        asker.lines(asker.run(3)["output_file_id"])
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_program_until_it_is_told_to_stop(number: int) -> None:
    command = [*COMMAND, "--seed", "7", "--error-500", "1", "--hold", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            assert set(said) == {"base_url", "native_url", "batch_chat_url", "control_url", "pid"}
            assert said["pid"] == process.pid
            assert [ask("GET", f"{said['base_url']}/batches").status for _ in range(2)] == [500, 200]
            began = time.monotonic()
            os.kill(process.pid, number)
            assert process.wait(10) == 0
            assert time.monotonic() - began < 2
        finally:
            process.kill()


def test_the_program_stops_cleanly_in_the_process_that_runs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(BailianServer):
        async def __aenter__(self) -> Stopped:
            await super().__aenter__()
            os.kill(os.getpid(), signal.SIGTERM)
            return self

    monkeypatch.setattr("qwen_dataset.testing.bailian.server.BailianServer", Stopped)
    assert __main__.main(["--seed", "7"]) == 0
    assert json.loads(capsys.readouterr().out)["pid"] == os.getpid()


def test_wrong_flags_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--fail", "3.5"]) == 2
    assert capsys.readouterr().err.startswith("bailian: fail=3.5 is not usable")
    with pytest.raises(SystemExit):
        __main__.main(["--fial", "3"])
    with pytest.raises(SystemExit):
        __main__.main(["--help"])
    assert "--lose-create" in capsys.readouterr().out


@pytest.mark.bailian(answers="echo")
def test_a_large_batch_is_quick(bailian_server: RunningServer) -> None:
    asker = Asker(bailian_server)
    batch = asker.run(5_000)
    assert batch["request_counts"]["completed"] == 5_000
    assert len(asker.lines(batch["output_file_id"])) == 5_000
    assert bailian_server.totals()["paid_total"] == 5_000


def test_two_downloads_at_once_write_a_result_once(asker: Asker) -> None:
    from concurrent.futures import ThreadPoolExecutor

    batch = asker.run(300)
    with ThreadPoolExecutor(4) as pool:
        contents = set(pool.map(lambda _: asker.get(f"/files/{batch['output_file_id']}/content").content, range(4)))
    assert len(contents) == 1
    assert len(contents.pop().splitlines()) == 300
