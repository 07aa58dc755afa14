"""The commands in process: what they print, and how they end. The real processes are in tests/cli."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qwen_dataset import __version__
from qwen_dataset.app.cli import show
from qwen_dataset.app.cli.main import main
from qwen_dataset.app.engine.tracker import RunProgress
from qwen_dataset.app.wiring.corpus import ReadReport

SENTENCES = " ".join(
    f"Measurement {n} shows that the decoder of code {n} keeps its logical qubit for {n * 17 + 3} cycles."
    for n in range(6)
)


@pytest.fixture(autouse=True)
def _keep_signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "papers").mkdir(exist_ok=True)
        first, second = f"## First of {name}\n\n{SENTENCES} It is {name}.\n", f"## Second\n\n{SENTENCES} So {name}.\n"
        text = f"# Paper {name}\n\n{first}\n{second}"
        (tmp_path / "papers" / f"{name}.md").write_text(text, encoding="utf-8")
    return tmp_path


def call(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def generate(*more: str, backend: str = "fake", code: int = 0) -> Result:
    """Ask in batches unless told otherwise: papers as few as these would go one by one."""
    way = () if "mode=" in backend or {"--batch", "--realtime"} & set(more) else ("--batch",)
    return call("generate", "papers", "-o", "out.jsonl", "--backend", backend, *way, *more, code=code)


def test_help_and_version() -> None:
    assert "generate" in call("--help").output
    assert __version__ in call("--version").output
    for command in ("generate", "resume", "rebuild", "cancel", "status", "rejects", "papers"):
        assert "Usage" in call(command, "--help").output
    assert "no such command" in call("nonsense", code=2).output


def test_generate_prints_the_sums_and_writes_the_dataset(here: Path) -> None:
    result = generate()
    assert "requests    4 = 4 completions + 0 failures + 0 not yet answered" in result.output
    assert "candidates  4 = 4 samples + 0 rejects" in result.output
    assert "2 papers read" in result.stderr
    assert len((here / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 4


def test_generate_again_is_free_and_the_same(here: Path) -> None:
    generate()
    first = (here / "out.jsonl").read_bytes()
    paid = (here / ".qwen-dataset-fake.jsonl").read_bytes()
    generate("--quiet")
    assert (here / "out.jsonl").read_bytes() == first
    assert (here / ".qwen-dataset-fake.jsonl").read_bytes() == paid


def test_json_is_one_object_on_standard_output(here: Path) -> None:
    record = json.loads(generate("--json").stdout)
    assert record["requests"] == record["completions"] == 4
    assert record["samples"] == 4
    assert record["reading"]["papers"] == 2
    assert record["submitted_only"] is False


def test_quiet_says_nothing(here: Path) -> None:
    result = generate("--quiet")
    assert result.output == ""


def test_submit_exit_collect(here: Path) -> None:
    result = generate("--no-wait")
    assert "collect with: qwen-dataset resume" in result.output
    assert not (here / "out.jsonl").exists()
    job = result.stdout.split()[1]
    assert "running" in call("status").output
    assert json.loads(call("status", job, "--json").stdout)["unanswered"] == 4
    done = call("resume")
    assert "4 samples" in done.output
    assert len((here / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    assert "finished" in call("status").output


def test_no_wait_as_json_says_that_it_was_only_submitted(here: Path) -> None:
    assert json.loads(generate("--no-wait", "--json").stdout)["submitted_only"] is True


def test_resume_writes_elsewhere_when_told(here: Path) -> None:
    generate("--no-wait")
    call("resume", "-o", "other.jsonl")
    assert (here / "other.jsonl").exists()
    assert not (here / "out.jsonl").exists()


def test_resume_refuses_another_realm(here: Path) -> None:
    generate("--no-wait")
    assert "belongs to fake:0" in call("resume", "--backend", "fake:?seed=1", code=2).output


def test_failures_end_with_one_and_rejects_with_nought(here: Path) -> None:
    result = generate(backend="fake:?fail=1&fail_kinds=content_filter", code=1)
    assert "0 completions + 4 failures" in result.output
    assert "failures    4 content_filter" in result.output
    result = generate("--force", backend="fake:?lie=1&lies=invented&seed=2")
    assert "rejects     4 evidence_not_found" in result.output
    assert "qwen-dataset rejects" in result.output


def test_rejects_and_failures_are_told_apart(here: Path) -> None:
    generate(backend="fake:?fail=0.5&fail_kinds=content_filter&lie=1&lies=invented&seed=1", code=1)
    lines = call("rejects").output.splitlines()
    failed = [line for line in lines if line.startswith("failed")]
    rejected = [line for line in lines if line.startswith("reject ")]
    assert failed
    assert rejected
    records = [json.loads(line) for line in call("rejects", "--json").output.splitlines()]
    failures = sum(record["is"] == "failure" for record in records)
    assert len(failed) < failures, "those that are alike are told once"
    assert lines[-1] == f"{len(rejected)} rejects, {failures} failed requests"
    assert {record["is"] for record in records} == {"reject", "failure"}
    stored = next((here / "batch_jobs").glob("*/dataset/rejects.jsonl")).read_text(encoding="utf-8")
    assert [json.loads(line) for line in stored.splitlines()] == records


def test_possibly_paid_is_said(here: Path) -> None:
    result = generate(backend="fake:?missing=1", code=1)
    assert "4 calls got no reply and are possibly paid" in result.output


def test_reuse_is_said(here: Path) -> None:
    generate()
    result = call("generate", "papers/a.md", "-o", "a.jsonl", "--backend", "fake", "--batch")
    assert "reused      2 answers" in result.output


def test_rebuild_makes_the_same_bytes_for_free(here: Path) -> None:
    job = generate().stdout.split()[1]
    first = (here / "out.jsonl").read_bytes()
    paid = (here / ".qwen-dataset-fake.jsonl").read_bytes()
    (here / "out.jsonl").unlink()
    call("rebuild", job)
    assert (here / "out.jsonl").read_bytes() == first
    call("rebuild", job, "-o", "again.jsonl", "--quiet")
    assert (here / "again.jsonl").read_bytes() == first
    assert (here / ".qwen-dataset-fake.jsonl").read_bytes() == paid


def test_rebuild_of_an_unfinished_job_ends_with_three(here: Path) -> None:
    job = generate("--no-wait").stdout.split()[1]
    assert "4 not yet answered" in call("rebuild", job, code=3).output


def test_cancel_stops_and_resume_goes_on(here: Path) -> None:
    job = generate("--no-wait").stdout.split()[1]
    assert f"job {job} is stopped" in call("cancel", job).output
    again = call("cancel", job).output
    assert "was stopped already, so there was nothing to cancel; go on with: qwen-dataset resume" in again
    assert "was stopped: a person cancelled it" in generate(code=3).output
    assert "4 samples" in call("resume", job).output
    assert json.loads(call("cancel", job, "--json").stdout)["phase"] == "finished"
    for command in (("cancel", job), ("batch", "cancel", job)):
        told = call(*command).stdout
        assert "was finished already, so there was nothing to cancel" in told
        assert "go on with" not in told
    assert call("cancel", job, "--quiet").output == ""


def test_a_foreign_output_is_not_replaced_without_force(here: Path) -> None:
    (here / "out.jsonl").write_text("mine\n", encoding="utf-8")
    assert "--force" in generate(code=2).output
    assert (here / "out.jsonl").read_text(encoding="utf-8") == "mine\n"
    assert '"op":"create"' not in (here / ".qwen-dataset-fake.jsonl").read_text(encoding="utf-8")
    generate("--force")
    assert "mine" not in (here / "out.jsonl").read_text(encoding="utf-8")


def test_an_empty_output_is_nobodys_work(here: Path) -> None:
    (here / "out.jsonl").touch()
    generate()


def test_no_backend_offers_the_fake(here: Path) -> None:
    result = call("generate", "papers", "-o", "out.jsonl", code=2)
    assert "--backend fake" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "nowhere", "-o", "o.jsonl", "--backend", "fake"], "nowhere does not exist"),
        (["generate", "papers", "-o", "papers", "--backend", "fake"], "papers"),
        (["generate", "papers", "-o", "no/such/o.jsonl", "--backend", "fake"], "no/such"),
        (["generate", "papers", "-o", "o.jsonl", "--backend", "fake", "--max-samples", "0"], "max_samples"),
        (["generate", "papers", "-o", "o.jsonl", "--backend", "fake", "--recipe", "prompts"], "takes prompts"),
        (["generate", "papers", "-o", "o.jsonl", "--backend", "fake:?nope=1"], "nope"),
        (["resume"], "no job"),
        (["resume", "x"], "no job 'x'"),
        (["rebuild", "x"], "no job 'x'"),
        (["rejects", "x"], "no job 'x'"),
        (["papers", "nowhere"], "nowhere does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_two(here: Path, arguments: list[str], words: str) -> None:
    result = call(*arguments, code=2)
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_several_jobs_and_beginnings_of_names(here: Path) -> None:
    assert "no jobs in file:batch_jobs" in call("status").output
    first = generate().stdout.split()[1]
    second = generate("--max-samples", "1", "--force").stdout.split()[1]
    assert first != second
    lines = call("status").output.splitlines()
    assert lines[-1].startswith(second)
    assert len({line.index("  finished  ") for line in lines}) == 1
    assert "fits 2 jobs" in call("rebuild", "instruct", code=2).output
    assert first in call("status", first[:-2]).output


def test_unread_papers_end_with_one(here: Path) -> None:
    (here / "papers" / "bad.md").write_bytes(b"\x00\x01" * 40)
    result = generate(code=1)
    assert "not read: papers/bad.md" in result.stderr
    assert "1 not read" in result.stderr
    assert "bad.md" in generate("--strict", code=2).stderr


def test_papers_shows_what_is_read(here: Path) -> None:
    result = call("papers", "papers")
    assert "Paper a" in result.stdout
    assert "2 papers read" in result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    *records, _ = [json.loads(line) for line in call("papers", "papers", "--json").stdout.splitlines()]
    assert [record["source"] for record in records] == ["papers/a.md", "papers/b.md"]
    assert "text" not in records[0]
    first = json.loads(call("papers", "papers", "--json", "--text").stdout.splitlines()[0])
    assert first["text"] == (here / "papers" / "a.md").read_text(encoding="utf-8")


def test_every_missing_paper_is_named(here: Path) -> None:
    for command in (("papers",), ("generate", "-o", "o.jsonl", "--backend", "fake")):
        told = call(command[0], "gone", "lost", *command[1:], code=2).stderr.splitlines()
        assert [line.split()[1] for line in told] == ["gone", "lost"]
        assert all(line.startswith("qwen-dataset: ") for line in told)


def test_batch_create_wants_batches_and_says_so_itself(here: Path) -> None:
    told = call("batch", "create", "--prompt", "x", "--backend", "fake:?mode=realtime", code=2).stderr
    assert "`batch create` needs one that works in batches" in told
    assert "use_batch" not in told


def test_batch_create_takes_prompts_from_one_place(here: Path) -> None:
    assert "there is nothing to ask" in call("batch", "create", "--backend", "fake", code=2).stderr
    both = ("--prompt", "x", "--input-file", "y.txt")
    assert "not both" in call("batch", "create", *both, "--backend", "fake", code=2).stderr


@pytest.mark.parametrize("terminal", ["dumb", "unknown"])
def test_a_terminal_without_a_bar_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: str
) -> None:
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setattr(show.language, "is_terminal", lambda _: True)
    with show.Display(quiet=False) as display:
        display.watch.on_progress(_progress(0))
    assert "requests 0 done" in capsys.readouterr().err


def test_the_only_text_is_printed_exactly(here: Path) -> None:
    assert call("papers", "papers/a.md", "--text").stdout == (here / "papers" / "a.md").read_text(encoding="utf-8")
    both = call("papers", "papers", "--text").stdout
    assert both.count("==> papers/") == 2


def test_papers_tells_what_it_could_not_read(here: Path) -> None:
    (here / "papers" / "bad.md").write_bytes(b"\x00\x01" * 40)
    (here / "papers" / "x.md").write_text("---\ntitle: [broken\n---\n\nA text of some length.\n", encoding="utf-8")
    result = call("papers", "papers", code=1)
    assert "not read: papers/bad.md" in result.stderr
    assert "warning: " in result.stdout
    call("papers", "papers", "--strict", code=2)


def test_the_prose_of_a_long_report_is_bounded() -> None:
    report = ReadReport(papers=1)
    for number in range(150):
        report.note_unread(f"file {number}")
    report.note_repeated("x is the same paper as y")
    sentences = show.describe_reading(report)
    assert "… and 50 more that could not be read" in sentences
    assert sentences[-1] == "1 papers read, 150 not read, 1 repeated"


def _progress(done: int, failed: int = 0, total: int = 10, round_number: int = 1) -> RunProgress:
    missing = total - done - failed
    return RunProgress(completed=done, failed=failed, total=total, round=round_number, reused=0, open=missing)


def test_plain_lines_are_few_and_true(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    time = [0.0]
    monkeypatch.setattr(show.time, "monotonic", lambda: time[0])
    with show.Display(quiet=False) as display:
        for moment, done in [(0, 0), (1, 1), (2, 2), (11, 4), (12, 5), (70, 10), (71, 10)]:
            time[0] = moment
            display.watch.on_progress(_progress(done))
        display.watch.on_sample(3)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "requests 0 done, 0 failed, 10 in all; 0:00 elapsed, round 1, time left not known yet",
        "requests 4 done, 0 failed, 10 in all; 0:11 elapsed, round 1, about 0:16 left",
        "requests 10 done, 0 failed, 10 in all; 1:10 elapsed, round 1 done",
        "dataset made: 3 samples; 1:11 elapsed",
    ]


def test_hours_are_written_as_hours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    time = [0.0]
    monkeypatch.setattr(show.time, "monotonic", lambda: time[0])
    with show.Display(quiet=False) as display:
        display.watch.on_progress(_progress(0, total=100))
        time[0] = 3600.0
        display.watch.on_progress(_progress(50, total=100))
    assert "1:00:00 elapsed, round 1, about 1:00:00 left" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["resume", "cancel"])
@pytest.mark.parametrize(("made", "other"), [("batch", "realtime"), ("realtime", "batch")])
def test_a_job_is_not_continued_in_another_way(here: Path, verb: str, made: str, other: str) -> None:
    backend = f"fake:?mode={made}&fail=1&fail_kinds=rate_limited"
    job = generate(backend=backend, code=1).stdout.split()[1]
    paid = (here / ".qwen-dataset-fake.jsonl").read_bytes()
    words = call(verb, job, "--backend", f"fake:?mode={other}", code=2 if verb == "resume" else 0).output
    assert other in words or "finished" in words
    assert (here / ".qwen-dataset-fake.jsonl").read_bytes() == paid


def test_cancel_in_another_way_leaves_no_request_to_cancel_behind(here: Path) -> None:
    job = generate("--no-wait").stdout.split()[1]
    for backend in ("fake:?mode=realtime", "fake:?seed=9"):
        assert "belongs to fake:0 (batch)" in call("cancel", job, "--backend", backend, code=2).output
    assert "4 samples" in call("resume", job).output


def test_what_may_have_been_paid_in_one_job_is_not_sent_by_another(here: Path) -> None:
    generate(backend="fake:?missing=1", code=1)
    before = (here / ".qwen-dataset-fake.jsonl").read_text(encoding="utf-8").count('"op":"create"')
    result = call("generate", "papers/a.md", "-o", "a.jsonl", "--backend", "fake", "--batch", code=1)
    assert "2 unknown" in result.output
    assert (here / ".qwen-dataset-fake.jsonl").read_text(encoding="utf-8").count('"op":"create"') == before
    assert "may have been paid" in call("rejects").output


def test_an_output_that_came_meanwhile_is_not_replaced(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def appears(*_: object, **__: object) -> None:
        (here / "out.jsonl").write_text("mine\n", encoding="utf-8")

    monkeypatch.setattr(show.Display, "_on_sample", appears)
    assert "written by something else" in generate(code=3).output
    assert (here / "out.jsonl").read_text(encoding="utf-8") == "mine\n"
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert "4 samples" in call("resume", "-o", "other.jsonl").output


def test_a_refused_output_is_not_remembered(here: Path) -> None:
    generate()
    (here / "precious.jsonl").write_text("mine\n", encoding="utf-8")
    call("generate", "papers", "-o", "precious.jsonl", "--backend", "fake", code=2)
    assert "out.jsonl (4 samples)" in call("resume").output


def test_calls_without_a_reply_are_told_though_all_was_answered_in_the_end(here: Path) -> None:
    result = CliRunner().invoke(
        main, ["generate", "papers", "-o", "o.jsonl", "--backend", "fake:?mode=realtime&lose_reply=0.6&seed=4"]
    )
    assert "calls got no reply and are possibly paid" in result.output


def test_resume_without_a_name_prefers_what_is_not_finished(here: Path) -> None:
    finished = generate().stdout.split()[1]
    other = call("generate", "papers/a.md", "-o", "a.jsonl", "--backend", "fake:?seed=3", "--batch", "--no-wait")
    call("rebuild", finished, "--quiet")
    assert other.stdout.split()[1] in call("resume").output


def test_an_exact_name_wins_over_a_longer_one(here: Path) -> None:
    generate("--job-name", "x")
    call("generate", "papers/a.md", "-o", "a.jsonl", "--backend", "fake", "--batch", "--job-name", "x-2")
    assert "0 rejects, 0 failed" in call("rejects", "x").output


def test_a_paper_without_a_passage_is_named(here: Path) -> None:
    (here / "papers" / "refs.md").write_text("# List\n\n## References\n\n- Somebody, 2020.\n", encoding="utf-8")
    assert "papers/refs.md" in generate().stderr


def test_nothing_to_ask_is_a_sentence(here: Path) -> None:
    (here / "refs.md").write_text("# List\n\n## References\n\n- Somebody, 2020.\n", encoding="utf-8")
    assert "nothing to ask" in call("generate", "refs.md", "-o", "o.jsonl", "--backend", "fake", code=2).stderr


def test_a_strange_model_name_makes_a_plain_folder(here: Path) -> None:
    job = generate("--model", "../..\\a:b").stdout.split()[1]
    assert (here / "batch_jobs" / job).is_dir()


def test_nothing_is_called_made_that_could_not_be_written(here: Path) -> None:
    result = call("generate", "papers", "-o", "/dev/full", "--backend", "fake", code=3)
    assert "dataset made" not in result.output


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show.sys.stderr, "isatty", lambda: True, raising=False)
    with show.Display(quiet=False) as display:
        assert display._live is not None
        display.say("above")
        display.watch.on_job("job", show.JobState(requests=10))
        display.watch.on_progress(_progress(4, 1))
        (task,) = display._live.tasks
        assert (task.completed, task.total) == (5, 10)
        assert task.fields["counts"] == "4/10 requests, 1 failed"
        display.watch.on_sample(7)
        assert task.fields["counts"] == "7 samples"
