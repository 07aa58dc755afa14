"""``doctor``: each check is ok or says what to do, nothing is left behind, and no key is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
from qwen_dataset.adapters.inference.fake.backend import open_fake
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.api import doctor
from qwen_dataset.app.api.doctor import Check, Verdict, examine
from qwen_dataset.app.cli import language
from qwen_dataset.app.cli.main import main
from qwen_dataset.app.wiring import bootstrap
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.inference import Completion, Outcome, Parameters, Request
from qwen_dataset.errors import (
    BackendDenied,
    BackendRejected,
    BackendUnavailable,
    JobUnfinished,
    KeyExists,
    StorageError,
    StorageUnavailable,
)
from qwen_dataset.ports.inference import BackendSettings, Offer

KEY = "sk-0123456789abcdef"
NAMES = ["python", "qwen-dataset", "openai", "dashscope", "obstore", "config", "key", "storage", "backend", "model"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "DASHSCOPE_API_KEY", "QIANWEN_API_KEY", "QWEN_DATASET_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    language.forget()


def checks_of(config: Config, **more: Any) -> list[Check]:
    async def collect() -> list[Check]:
        async with aclosing(examine(config, **more)) as checks:
            return [check async for check in checks]

    return asyncio.run(collect())


def check_of(name: str, config: Config, **more: Any) -> Check:
    (found,) = [check for check in checks_of(config, **more) if check.name == name]
    return found


def offering(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let whatever backend is named be one that somebody else wrote."""

    async def backend(address: str | None, config: Config, **_: Any) -> Offer:
        made = ConcurrentBackend(_answer, realm="mine:1")
        return attrs.evolve(Offer(backend=made, name="mine", realtime=True, destination="host:1"), **changes)

    monkeypatch.setattr(bootstrap, "backend", backend)


async def _answer(request: Request) -> Outcome:
    return Completion(request_id=request.id, text="Yes.")


def run(*arguments: str, code: int) -> Result:
    result = CliRunner().invoke(main, ["doctor", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


# What is there


def test_each_thing_is_looked_at_once_and_nothing_is_left_behind(tmp_path: Path) -> None:
    found = checks_of(Config(backend="fake:memory"))
    assert [check.name for check in found] == NAMES
    assert {check.verdict for check in found} == {Verdict.OK}
    assert found[-1].sentence == "qwen-plus (fake:0)"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_jobs_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "batch_jobs").mkdir()
    assert check_of("storage", Config(backend="fake:memory")).verdict is Verdict.OK
    (tmp_path / "batch_jobs" / "job").mkdir()
    assert check_of("storage", Config(backend="fake:memory")).verdict is Verdict.OK
    assert [path.name for path in (tmp_path / "batch_jobs").iterdir()] == ["job"]


def test_a_package_that_is_missing_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package in {"openai", "dashscope", "obstore"}:
            raise PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(doctor, "version", version)
    found = {check.name: check for check in checks_of(Config(backend="fake:memory"))}
    assert found["dashscope"].verdict is found["obstore"].verdict is Verdict.HINT
    assert found["obstore"].sentence.endswith(': pip install "qwen-dataset[s3]"')
    assert found["dashscope"].sentence.endswith(': pip install "qwen-dataset[dashscope]"')
    assert found["openai"].verdict is Verdict.WRONG
    assert found["openai"].sentence.endswith(': pip install "qwen-dataset"')


def test_without_a_key_and_a_backend_the_fake_is_offered_and_nothing_else_is_asked() -> None:
    found = checks_of(Config())
    assert found[-1].name == "backend"
    assert found[-1].verdict is Verdict.WRONG
    assert "--backend fake" in found[-1].sentence
    assert check_of("key", Config()) == Check("key", Verdict.HINT, "none is set")


@pytest.mark.parametrize(
    ("key", "verdict", "words"),
    [
        (None, Verdict.OK, "the backend 'x' has to do without"),
        (KEY, Verdict.OK, "begins with sk-"),
        ("another-key-1", Verdict.HINT, "does not begin with sk-"),
        (lambda: KEY, Verdict.OK, "begins with sk-"),
        (lambda: "", Verdict.WRONG, "returned no key"),
    ],
)
def test_the_key_is_looked_at_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, key: Any, verdict: Verdict, words: str
) -> None:
    offering(monkeypatch)
    found = checks_of(Config(backend="x", api_key=key))
    assert not any(secret in str(found) for secret in (KEY, "another-key-1"))
    (told,) = [check for check in found if check.name == "key"]
    assert told.verdict is verdict
    assert words in told.sentence


# The storage


class Forgetful(MemoryStorage):
    """Holds something else than what it was given."""

    async def get(self, key: str) -> bytes:
        return (await super().get(key))[1:]


class Careless(MemoryStorage):
    """Creates an object as often as it is asked to."""

    async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
        await super().put(key, data)


class Clinging(MemoryStorage):
    """Deletes nothing."""

    async def delete(self, key: str) -> None:
        return None


class Blind(MemoryStorage):
    """Lists nothing."""

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        for key in ():
            yield key


class Overwriting(MemoryStorage):
    """Refuses to create an object again, and does it all the same."""

    async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
        known = [each async for each in self.keys(key)]
        await super().put(key, data)
        if if_absent and known:
            raise KeyExists(key)


class Advisory(MemoryStorage):
    """Says of itself that create-only is a promise that it cannot keep."""

    is_advisory = True


class Unavailable(MemoryStorage):
    async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
        raise StorageUnavailable("no reply")


class Forbidden(MemoryStorage):
    async def delete(self, key: str) -> None:
        raise StorageError("permission is denied")


@pytest.mark.parametrize(
    ("storage", "verdict", "words"),
    [
        (Forgetful, Verdict.WRONG, "does not give back what was written"),
        (Clinging, Verdict.WRONG, "does not give back what was written"),
        (Blind, Verdict.WRONG, "lists it wrongly"),
        (Overwriting, Verdict.WRONG, "does not give back what was written"),
        (Careless, Verdict.WRONG, "creates an object twice"),
        (Advisory, Verdict.HINT, "one writer only"),
        (Unavailable, Verdict.UNREACHABLE, "no reply"),
        (Forbidden, Verdict.WRONG, "permission is denied"),
    ],
)
def test_what_a_storage_cannot_do_is_told(
    monkeypatch: pytest.MonkeyPatch, storage: type[MemoryStorage], verdict: Verdict, words: str
) -> None:
    monkeypatch.setattr(bootstrap, "storage", lambda address: storage())
    found = check_of("storage", Config(backend="fake:memory"))
    assert found.verdict is verdict
    assert words in found.sentence


def test_what_cannot_be_a_storage_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    found = check_of("storage", Config(backend="fake:memory", storage="file:file"))
    assert found.verdict is Verdict.WRONG
    assert "is a file" in found.sentence
    assert "no storage 'ftp'" in check_of("storage", Config(backend="fake:memory", storage="ftp:x")).sentence


def test_nothing_is_left_in_a_storage_that_failed_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(MemoryStorage):
        async def get(self, key: str) -> bytes:
            raise StorageUnavailable("no reply")

    storage = Failing()
    monkeypatch.setattr(bootstrap, "storage", lambda address: storage)
    assert check_of("storage", Config(backend="fake:memory")).verdict is Verdict.UNREACHABLE
    assert storage._objects == {}


# The backend


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (BackendUnavailable("no reply"), Verdict.UNREACHABLE),
        (BackendDenied(f"the key {KEY} is not valid"), Verdict.WRONG),
        (BackendRejected("404"), Verdict.WRONG),
        (RuntimeError(KEY), Verdict.UNREACHABLE),
    ],
)
def test_a_backend_that_cannot_be_reached_is_told_without_the_key(
    monkeypatch: pytest.MonkeyPatch, error: Exception, verdict: Verdict
) -> None:
    async def probe() -> str:
        raise error

    offering(monkeypatch, probe=probe)
    found = checks_of(Config(backend="x", api_key=KEY), live=True)
    assert KEY not in str(found)
    assert [check.verdict for check in found if check.name == "backend"] == [verdict]
    skipped = Check("live", Verdict.HINT, "skipped, as the backend cannot be asked")
    assert found[-1] == skipped, "what cannot be reached is not tried any further"


def test_what_a_backend_says_of_itself_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe() -> str:
        return f"3 models for {KEY}"

    def advice(model: str, _: Parameters) -> Sequence[str]:
        return [f"{model} is retired", f"ask without {KEY}"]

    offering(monkeypatch, probe=probe, advice=advice)
    found = checks_of(Config(backend="x", api_key=KEY, model="m"))
    assert found[-3:] == [
        Check("backend", Verdict.OK, "3 models for ***"),
        Check("model", Verdict.HINT, "m is retired"),
        Check("model", Verdict.HINT, "ask without ***"),
    ]


def test_a_mistake_in_a_backends_advice_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, advice=lambda *_: 1 // 0)
    assert checks_of(Config(backend="x"))[-1].verdict is Verdict.UNREACHABLE


def test_a_backend_that_cannot_do_what_was_chosen_is_told() -> None:
    found = checks_of(Config(backend="fake:memory?mode=realtime", use_batch=True))[-1]
    assert (found.name, found.verdict) == ("backend", Verdict.WRONG)
    assert "works in realtime only" in found.sentence


# The whole way


def test_live_goes_the_whole_way_and_says_what_came_back(tmp_path: Path) -> None:
    settings = Config(
        backend="fake:remote.jsonl", enable_thinking=True, thinking_budget=9, finish="realtime", after="6h",
        extra_body={"top_k": 1}, response_format="json_object", job_name="mine", rounds=7,
    )  # fmt: skip
    found = checks_of(settings, live=True)[-1]
    assert (found.name, found.verdict) == ("live", Verdict.OK)
    assert found.sentence.startswith("batch batch_000001 answered after ")
    assert len(found.sentence) < 150
    assert not (tmp_path / "batch_jobs").exists()
    assert "batch_000002" in checks_of(settings, live=True)[-1].sentence, "a test is never that of the last time"


def test_live_asks_the_test_model_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []
    made = open_fake(BackendSettings(location="memory"))

    class Noting:
        def __getattr__(self, name: str) -> Any:
            return getattr(made.backend, name)

        async def __aenter__(self) -> Any:
            return await made.backend.__aenter__()

        async def __aexit__(self, *error: Any) -> None:
            await made.backend.__aexit__(*error)

        async def submit(self, key: str, requests: Any) -> Any:
            asked.extend([request async for request in requests])
            return await made.backend.submit(key, requests)

    async def backend(address: str | None, config: Config, **_: Any) -> Offer:
        return attrs.evolve(made, backend=Noting())

    monkeypatch.setattr(bootstrap, "backend", backend)
    assert checks_of(Config(backend="x", model="qwen-max", enable_thinking=True), live=True)[-1].verdict is Verdict.OK
    (request,) = asked
    assert (request.model, request.parameters.enable_thinking) == ("batch-test-model", False)


def test_live_needs_a_backend_that_has_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch)
    found = checks_of(Config(backend="x"), live=True)[-1]
    assert (found.name, found.verdict) == ("live", Verdict.WRONG)
    assert "works in realtime only" in found.sentence


def test_live_says_why_there_was_no_answer() -> None:
    found = checks_of(Config(backend="fake:memory?fail=1&fail_kinds=invalid_request"), live=True)[-1]
    assert (found.name, found.verdict) == ("live", Verdict.WRONG)
    assert "without an answer: the request is malformed" in found.sentence


def test_live_is_given_up_when_asked_to_stop() -> None:
    async def stopped() -> None:
        stop = asyncio.Event()
        stop.set()
        async with aclosing(examine(Config(backend="fake:memory"), live=True, stop=stop)) as checks:
            async for check in checks:
                assert check.name != "live"

    with pytest.raises(JobUnfinished):
        asyncio.run(stopped())


# The command


def test_the_command_prints_a_line_each() -> None:
    lines = run("--backend", "fake:memory", code=0).output.splitlines()
    assert len(lines) == len(NAMES)
    assert lines[5] == "ok           config        every setting can be used"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--backend", "fake:memory", "--live"], 0),
        ([], 2),
        (["--backend", "nope"], 2),
        (["--backend", "fake:memory", "--storage", "nope:x"], 2),
        (["--backend", "fake:memory", "--batch", "--realtime"], 2),
    ],
)
def test_the_exit_code_says_what_came_of_it(arguments: list[str], code: int) -> None:
    run(*arguments, code=code)


def test_what_is_not_there_for_now_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe() -> str:
        raise BackendUnavailable("no reply")

    offering(monkeypatch, probe=probe)
    told = run("--backend", "x", code=3).output
    assert "unreachable  backend       no reply; check base_url, region, network and proxy\n" in told


def test_nothing_is_to_be_resumed_where_there_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe() -> str:
        raise BackendDenied("HTTP 401; check the key, then resume")

    offering(monkeypatch, probe=probe)
    assert "backend       HTTP 401; check the key\n" in run("--backend", "x", code=2).output


def test_live_that_cannot_be_is_said_to_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    found = checks_of(Config(backend="nobody:"), live=True)
    assert [each.name for each in found[-2:]] == ["backend", "live"]
    assert found[-1].verdict is Verdict.HINT


def test_the_model_of_another_server_is_not_checked() -> None:
    found = checks_of(Config(backend="http://127.0.0.1:9/v1", model="m", use_batch=False))
    assert found[-1] == Check("model", Verdict.OK, "m (not checked: 127.0.0.1:9 is another server)")


def test_every_problem_of_the_settings_is_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "qwen-dataset.toml").write_text(
        'backend = "fake:memory"\nrounds = 0\nafter = "6h"\nthinking_budget = 5\nrecipe = "stew"\nnonsense = 1\n',
        encoding="utf-8",
    )
    lines = run(code=2).output.splitlines()
    told = [line.split(maxsplit=2)[2] for line in lines if line.startswith("wrong        config ")]
    assert [sentence.partition(" ")[0] for sentence in told] == ["there", "rounds", "thinking_budget", "after", "there"]
    assert lines[-1].startswith("ok           model ")


def test_json_is_one_object_a_line() -> None:
    found = [json.loads(line) for line in run("--backend", "fake:memory", "--json", code=0).output.splitlines()]
    assert [each["check"] for each in found] == NAMES
    assert found[5] == {"check": "config", "verdict": "ok", "sentence": "every setting can be used"}


def test_it_speaks_chinese() -> None:
    lines = run("--backend", "fake:memory", "--lang", "zh", code=0).output.splitlines()
    assert lines[5] == "正常         设置          所有设置都可以使用"
