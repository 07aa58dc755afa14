"""One corpus, one line of the config changed each time: whoever answers and wherever it is kept, the same dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.testing.bailian import BailianSettings, RunningServer, serve_in_thread
from tests import s3
from tests.bailian.nursery import Nursery
from tests.bailian.stage_http import KEY, ROOT, Home, shared_papers

BATCH = "settle=0.2&requests=7"
# Where the local server stands for the service's hosts, which each backend knows by itself.
COMPATIBLE, BATCH_CHAT, IN_ITSELF = "base_url", "batch_chat_url", ""


@attrs.frozen
class Way:
    """A line ``backend = "…"``, how it is asked, and which of the server's addresses it is told."""

    backend: str
    is_batch: bool
    address: str = COMPATIBLE
    name: str = ""


# fmt: off
WAYS = {
    "fake in batches": Way("fake:?requests=7", True, IN_ITSELF, "fake"),
    "fake in realtime": Way("fake", False, IN_ITSELF, "fake"),
    "openai-batch": Way(f"openai-batch:?{BATCH}", True, name="openai-batch"),
    "openai-chat": Way("openai-chat", False, name="openai-chat"),
    "openai-chat streamed": Way("openai-chat:?stream=yes", False, name="openai-chat"),
    "batch-chat": Way("batch-chat", False, BATCH_CHAT, "batch-chat"),
    "dashscope": Way("dashscope", False, name="dashscope"),
    "bailian in batches": Way(f"bailian:?{BATCH}", True, name="openai-batch"),
    "bailian in realtime": Way("bailian", False, name="dashscope"),
    "a URL in batches": Way("{url}?" + BATCH, True, IN_ITSELF, "openai-batch"),
    "a URL in realtime": Way("{url}", False, IN_ITSELF, "openai-chat"),
}
# fmt: on
FIRST = "fake in batches"
OTHERS = [name for name in WAYS if name != FIRST]
LONG = [pytest.mark.long, pytest.mark.timeout(1800)]
SOME = ["fake in realtime", "openai-batch", "openai-chat", "batch-chat", "dashscope"]
SOME_ON_S3 = ["openai-batch", "bailian in realtime"]

Make = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "papers", tmp_path_factory.mktemp("corpus") / "papers"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared papers and the examples."""
    shared = shared_papers()
    if shared is None:
        pytest.skip("the folder of shared papers is not there")
    folder = tmp_path_factory.mktemp("corpus") / "papers"
    shutil.copytree(shared, folder / "shared")
    shutil.copytree(ROOT / "examples" / "papers", folder / "examples")
    return folder


@pytest.fixture
def make(children: Nursery, tmp_path: Path) -> Make:
    """Make a dataset with a server and a storage of its own, by a config of which only the backend's line differs."""
    numbers = iter(range(1_000_000))

    def made(way: str, papers: Path, *, on_s3: bool) -> list[dict[str, Any]]:
        folder = tmp_path / f"run-{next(numbers)}"
        folder.mkdir()
        lake = s3.server() if on_s3 else None
        storage = "file:batch_jobs" if lake is None else lake.url()
        env = {"DASHSCOPE_API_KEY": KEY, "QWEN_DATASET_LANG": "en", "NO_PROXY": "127.0.0.1"}
        env |= {} if lake is None else lake.environment
        # Each look takes a batch to its end, so that hardly anything is waited for.
        with serve_in_thread(BailianSettings(key=KEY, look_seconds=60.0, duration=60.0)) as server:
            return run(children, folder, WAYS[way], papers, server, storage=storage, env=env)

    return made


def run(
    children: Nursery, folder: Path, way: Way, papers: Path, server: RunningServer, *, storage: str, env: dict[str, str]
) -> list[dict[str, Any]]:
    """Make a dataset, and see that it is all there and came from where it should."""
    backend = way.backend.format(url=server.base_url)
    lines = (f'backend = "{backend}"', f'storage = "{storage}"', "max_samples = 99", "poll = 0.05")
    folder.joinpath("qwen-dataset.toml").write_text("\n".join(lines), encoding="utf-8")
    if way.address:
        env = {**env, "QWEN_DATASET_BASE_URL": getattr(server, way.address)}
    asked = ("generate", papers, "--output", "out.jsonl", "--batch" if way.is_batch else "--realtime", "--json")
    child = children.run(*asked, cwd=folder, env=env, seconds=280.0, haste=1.0)
    assert child.code == 0, child.err
    assert "Traceback" not in child.err
    samples = [json.loads(line) for line in folder.joinpath("out.jsonl").read_text("utf-8").splitlines()]
    assert {each["metadata"]["backend"] for each in samples} == {way.name}
    assert folder.joinpath("batch_jobs").exists() == storage.startswith("file:")
    ledger, requests = server.totals(), child.report["requests"]
    assert child.report["completions"] == requests
    assert (ledger["paid_total"], ledger["paid_twice"]) == (0 if way.name == "fake" else requests, 0)
    assert bool(ledger["batches"]) == (way.name == "openai-batch")
    return samples


def same(sample: dict[str, Any]) -> str:
    """Return a sample without what may differ: who answered, and how its tokens were counted in detail."""
    metadata = dict(sample["metadata"])
    del metadata["backend"]
    metadata["usage"] = {name: metadata["usage"][name] for name in ("prompt_tokens", "completion_tokens")}
    return json.dumps({**sample, "metadata": metadata}, sort_keys=True, ensure_ascii=False)


def compare(made: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    for ours, theirs in zip(made, expected, strict=False):
        assert same(ours) == same(theirs)
    assert len(made) == len(expected)


@pytest.fixture(scope="module")
def known() -> dict[Path, list[dict[str, Any]]]:
    """The dataset of each corpus as the fake makes it."""
    return {}


@pytest.fixture
def expected(make: Make, known: dict[Path, list[dict[str, Any]]]) -> Callable[[Path], list[dict[str, Any]]]:
    def of(papers: Path) -> list[dict[str, Any]]:
        if papers not in known:
            known[papers] = make(FIRST, papers, on_s3=False)
            assert len(known[papers]) >= 10
        return known[papers]

    return of


@pytest.mark.parametrize("way", [way if way in SOME else pytest.param(way, marks=LONG) for way in OTHERS])
def test_the_examples_give_the_same_dataset(make: Make, expected: Any, examples: Path, way: str) -> None:
    compare(make(way, examples, on_s3=False), expected(examples))


@pytest.mark.parametrize("way", [way if way in SOME_ON_S3 else pytest.param(way, marks=LONG) for way in WAYS])
def test_the_examples_give_the_same_dataset_on_s3(make: Make, expected: Any, examples: Path, way: str) -> None:
    compare(make(way, examples, on_s3=True), expected(examples))


@pytest.mark.parametrize("on_s3", [False, True], ids=["files", "s3"])
@pytest.mark.parametrize("way", [pytest.param(way, marks=LONG) for way in WAYS])
def test_real_papers_give_the_same_dataset(make: Make, expected: Any, real: Path, way: str, on_s3: bool) -> None:
    made = make(way, real, on_s3=on_s3)
    compare(made, expected(real))


@pytest.mark.parametrize("backend", ["openai-batch", pytest.param("bailian", marks=LONG)])
def test_a_job_submitted_here_is_collected_elsewhere(tmp_path: Path, examples: Path, backend: str) -> None:
    """Two programs that share nothing but the storage's address, the credentials and the service."""
    lake = s3.server()
    storage = lake.url()
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    here.joinpath("qwen-dataset.toml").write_text(f'backend = "{backend}"\nstorage = "{storage}"\n', encoding="utf-8")
    papers = here / "papers"
    shutil.copytree(examples, papers)
    with serve_in_thread(BailianSettings(key=KEY, look_seconds=20.0, duration=60.0)) as server:
        env = {**lake.environment, "DASHSCOPE_API_KEY": KEY, "QWEN_DATASET_BASE_URL": server.base_url}
        Home(here, env).run("generate", "papers", "--batch", "--no-wait", "--quiet").works()
        shutil.rmtree(here)
        submitted = server.totals()
        assert (submitted["calls"]["create"], submitted["calls"].get("content", 0)) == (1, 0)
        elsewhere = Home(there, {**env, "QWEN_DATASET_STORAGE": storage})
        job = elsewhere.run("status", "--json").works().report["job"]
        ended = elsewhere.run("resume", job, "--output", "out.jsonl", "--poll", 0.05, "--json").works()
        ledger = server.totals()
    assert ended.report["completions"] == ended.report["requests"] == ledger["paid_total"]
    assert (ledger["calls"]["create"], ledger["calls"]["upload"], ledger["paid_twice"]) == (1, 1, 0)
    assert sorted(each.name for each in there.iterdir()) == ["out.jsonl"]
    samples = [json.loads(line) for line in there.joinpath("out.jsonl").read_text("utf-8").splitlines()]
    alone = Home(tmp_path, {"QWEN_DATASET_BACKEND": "fake:?mode=batch"})
    alone.run("generate", examples, "--output", "alone.jsonl", "--quiet").works()
    compare(samples, [json.loads(line) for line in tmp_path.joinpath("alone.jsonl").read_text("utf-8").splitlines()])
