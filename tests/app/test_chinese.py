"""Every sentence that can reach a terminal has a Chinese one. The sentences are looked up in the source itself."""

from __future__ import annotations

import errno
import os
import re
import string
import time
import tomllib
from pathlib import Path
from types import ModuleType

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentences import COMPOSED, Sentence, every_sentence, sentences_of

from qwen_dataset.adapters.inference.fake.settings import FakeSettings, Lie
from qwen_dataset.app.api import batch_words
from qwen_dataset.app.cli import chinese
from qwen_dataset.app.cli.chinese import endings, translate
from qwen_dataset.app.wiring.settings import SETTINGS
from qwen_dataset.domain.inference import FailureKind
from qwen_dataset.domain.jobs import Phase, Way
from qwen_dataset.domain.passages import Reason
from qwen_dataset.domain.samples import RejectReason
from tests.library.stage import Said, Stage

HAN = re.compile(r"[\u4e00-\u9fff]")

# What stays as it is: what a person types, quotes of data, names of files, settings, fields and variables.
DATA = re.compile(
    r"(?:ap|eu|us)-[a-z]+-[0-9]|"
    r"`[^`]*`|'[^']*'|\"[^\"]*\"|(?<![\w-])--?[a-z][a-z-]*|qwen-dataset [a-z]+(?: [a-z]+)? \S+|pip install|UTF-8"
    r"|[\w./:+-]*[./_:=#?&][\w./:=#?&+-]*|[A-Za-z]+(?:-[a-z0-9]+)*-[0-9a-f]{12}|[a-z]-[0-9]+|[A-Za-z]+[0-9]\w*|[0-9]+[a-z]"
    r"|(?:已知的参数|已知的有|可用的有|可选)：[\w、-]+|参数  .*"
)
WORDS = {
    *(setting.name for setting in SETTINGS),
    *(choice for setting in SETTINGS for choice in setting.choices),
    *("ASCII", "Completion", "Failure", "GB18030", "JSON", "LaTeX", "Offer", "PDF", "Paper", "Unicode", "YAML"),
    *(
        "API",
        "Ctrl-C",
        "Errno",
        "KB",
        "NUL",
        "None",
        "TMPDIR",
        "TOML",
        "content",
        "existing",
        "fake",
        "file",
        "http",
        "https",
    ),
    *(
        "bailian",
        "schema",
        "sk-",
        "stalled",
        "AWS",
        "FFFE",
        "FFFF",
        "Batch",
        "Chat",
        "DashScope",
        "LaTeX",
        "MB",
        "HTTP",
        "OpenAI",
        "CA",
        "PEM",
        "SDK",
        "URL",
    ),
    *(
        "base",
        "fork",
        "lookup",
        "metadata",
        "none",
        "openai-chat",
        "batch-chat",
        "profile",
        "spawn",
        "unknown",
        "obstore",
    ),
    *("workspace", "timeout", "advisory", "conditional", "host", "no", "yes", "list", "openai-batch", "dashscope"),
    *("CNY", "LaTeX", "currency", "date", "input", "note", "output", "source", "sources", "tiers", "title", "way"),
    *("assistant", "cn-beijing", "data", "id", "instruct", "jsonl", "memory", "papers", "prompt", "qwen-dataset"),
    *("batch", "generate", "prune", "qwen-plus", "real", "realtime", "rebuild", "resume", "role", "system", "token"),
    *("ulimit", "user", "virtual", "MB", "auto", "gzip", "httpx", "stdin", *Lie),
}


def foreign(chinese_text: str) -> list[str]:
    """Return the English words of a translation that should not be there."""
    left = DATA.sub(" ", chinese_text)
    return [word for word in re.findall(r"[A-Za-z][A-Za-z-]+", left) if word not in WORDS]


def assert_chinese(english: str) -> str:
    found = translate(english)
    assert found != english, f"there is no Chinese for: {english}"
    assert HAN.search(found), f"{english}\n{found}"
    assert not foreign(found), f"{foreign(found)} is left of: {english}\n{found}"
    return found


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


# The catalogue against the source


@pytest.mark.parametrize("sentence", every_sentence(), ids=str)
def test_every_sentence_of_the_source_has_a_chinese_one(sentence: Sentence) -> None:
    for example in COMPOSED.get(sentence.template, [sentence.filled()]):
        found = assert_chinese(example)
        lost = [number for number in re.findall(r"7[0-9]\b", example) if number not in found]
        assert not lost, f"{lost} of {example} is not in {found}"


def test_what_was_written_down_about_sentences_is_still_about_one() -> None:
    templates = {sentence.template for sentence in every_sentence()}
    assert not COMPOSED.keys() - templates


def test_a_new_sentence_would_be_found(tmp_path: Path) -> None:
    """However it is put: what the tests above do not see they cannot demand."""
    source = tmp_path / "new.py"
    source.write_text(
        """
def why():
    '''What a docstring says is not told.'''
    message = f"{path} is odd"
    raise SettingError(message)
    say("oops")
    self._notice(f"{len(x):>5} odd things, " "{}")
    option(help="odd help")
    return "an odd " "thing" if odd else KEY
"""
    )
    assert {str(found) for found in sentences_of(source)} == {
        "{path} is odd", "oops", "{len(x)} odd things, {}", "an odd thing",
    }  # fmt: skip
    assert len(every_sentence()) > 350
    assert any(found.template.startswith("no backend is named and") for found in every_sentence())


def _codes() -> list[str]:
    words = [value for name, value in vars(batch_words).items() if name.isupper()]
    return [*words, "damaged", *FailureKind, *RejectReason, *Reason, *Phase, *Way]


@pytest.mark.parametrize("word", sorted(set(_codes())))
def test_every_word_for_a_state_or_reason_has_a_chinese_one(word: str) -> None:
    assert_chinese(word)
    assert_chinese(f"failures    3 {word}, 12 {word}")


WANTED = [setting.wanted for setting in SETTINGS]
WANTED += [f"fake: a=71 is not usable, it must be {field.metadata['wanted']}; known parameters: a"
           for field in attrs.fields(FakeSettings)]  # fmt: skip


@pytest.mark.parametrize("wanted", sorted(set(WANTED)))
def test_what_a_setting_must_be_is_told_in_chinese(wanted: str) -> None:
    found = translate(wanted)
    assert found != wanted
    assert not foreign(found)


@pytest.mark.parametrize(
    "code",
    [
        "ENOENT",
        "EACCES",
        "EPERM",
        "EISDIR",
        "ENOTDIR",
        "ENOTEMPTY",
        "EEXIST",
        "EFBIG",
        "ENAMETOOLONG",
        "ENOSPC",
        "EDQUOT",
        "EIO",
        "EROFS",
        "EMFILE",
        "ELOOP",
        "EPIPE",
        "EINVAL",
        "ENXIO",
        "EBUSY",
        "EBADF",
        "ESTALE",
        "ENOMEM",
        "ETXTBSY",
    ],
)
def test_what_the_operating_system_says_is_told_in_chinese(code: str) -> None:
    assert_chinese(f"papers/a.md cannot be read: {os.strerror(getattr(errno, code))}")


@pytest.mark.parametrize("text", ["a", "a =", "a = 'x", "[a", "a = 1\na = 2", "a = ["])
def test_what_the_parser_of_toml_says_is_told_in_chinese(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert_chinese(f"x.toml is not valid TOML: {caught.value}")


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a":}', "{a:1}", "[1,]", "1 2", "[1 2]", "01", '"\\q"', "nul"])
def test_what_the_parser_of_json_says_is_told_in_chinese(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(text)
    assert_chinese(f"x.jsonl line 1 is not JSON: {caught.value.msg} (character {caught.value.pos + 1})")
    assert_chinese(str(caught.value))


PAGES = (*chinese._PAGES, endings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__.rpartition(".")[2])
def test_both_sentences_of_a_pair_have_the_same_names(page: ModuleType) -> None:
    def names(template: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(template)} - {None}

    for english, found in page.PAIRS:
        assert names(english) == names(found), english
        assert not re.search(r"[\u4e00-\u9fff][,;!?]|[\u4e00-\u9fff]: ", found), f"marks are full-width: {found}"


def test_no_english_sentence_stands_there_twice() -> None:
    found = [english for page in PAGES for english, _ in page.PAIRS]
    assert len(found) == len(set(found))


# Sentences that are put together of names only, or by others


OF_CLICK = [
    "no such option '--a'",
    "no such option: --a",
    "no such command 'a' (did you mean 'b'?)",
    "missing argument 'JOB'",
    "missing argument 'SHELL'. Choose from: bash, zsh",
    "missing option '--a'",
    "missing option '--a'. Choose from: bash, zsh",
    "missing parameter: data",
    "missing command",
    "got unexpected extra argument (a)",
    "got unexpected extra arguments (a b)",
    "option '--a' requires an argument",
    "option '--a' requires 2 arguments",
    "option '--a' does not take a value",
    "argument 'JOB' takes 2 values",
    *(
        f"{invalid}: {why}"
        for invalid in ("invalid value", "invalid value for '--a'")
        for why in (
            "'x' is not a valid integer",
            "'x' is not a valid integer range",
            "'x' is not a valid float",
            "'x' is not a valid float range",
            "'x' is not a valid boolean. Recognized values: 0, 1",
            "0 is not in the range x>=1",
            "'x' is not one of 'a', 'b'",
            "'x' is not 'a'",
            "Path 'x' is not readable",
        )
    ),
]


@pytest.mark.parametrize("english", OF_CLICK)
def test_what_click_says_of_a_command_is_told_in_chinese(english: str) -> None:
    assert_chinese(english)
    assert_chinese(f"{english}; see `qwen-dataset batch list --help`")


@pytest.mark.parametrize(
    "english",
    [
        "dataset     o.jsonl (71 samples)",
        "answers     o.jsonl (71 answers)",
        "job a-71 belongs to fake:1 (batch) and the backend 'x.y' is fake:1 (realtime); name the job's own",
        "the writer 'x' is offered by a-1 and a-2 and a-3; uninstall all but one of them",
        (
            "a-71: the whole job, 72 objects, with 73 paid answers, 74 copied from other jobs, 75 calls that"
            " may have been paid"
        ),
        "a-71: the whole job, 72 objects, with 73 paid answers",
        "a-71: 72 objects that nothing needs",
        "[Errno 28] No space left on device",
        "[Errno 28] No space left on device: '/x'",
        "reject  no_json  the answer is empty (final)  [x.md]",
        "failed  unknown  the reply was lost; the call may have been paid (final)  [x.md]",
        "phase         damaged",
        (
            "damage        x.json is missing; restore it from a copy, or delete its job's folder (with its paid"
            " answers) and run generate again"
        ),
        "way           realtime",
        "output        None",
    ],
)
def test_what_has_no_words_of_its_own_is_told_in_chinese(english: str) -> None:
    assert_chinese(english)


def test_an_array_that_does_not_end_is_told_in_chinese() -> None:
    assert translate("x.toml is not valid TOML: Unclosed array (at line 1, column 6)") == (
        "x.toml 不是有效的 TOML：数组没有结束（第 1 行第 6 列）"
    )


# Sentences in sentences


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        (
            (
                "not read: a.md is not a text file in a known encoding: byte 5 is not UTF-8, and the file is not"
                " Chinese GB18030 either; save it as UTF-8"
            ),
            "未能读取：a.md 不是已知编码的文本文件：第 5 字节不是 UTF-8，整个文件也不是中文 GB18030；请存为 UTF-8",
        ),
        (
            "job a-1 was cancelled; what had been answered is kept; go on with: qwen-dataset resume a-1 --storage x",
            "任务 a-1 已取消；已得到的回答都会保留；继续请运行：qwen-dataset resume a-1 --storage x",
        ),
        (
            "no such option '--jsno' (did you mean '--json'?); see `qwen-dataset status --help`",
            "没有选项 '--jsno'（是不是想用 '--json'？）；请看 `qwen-dataset status --help`",
        ),
        (
            "there is no backend 'a (b'; known: fake (.env line 3 QWEN_DATASET_BACKEND)",
            "没有后端 'a (b'；已知的有：fake（.env 第 3 行 QWEN_DATASET_BACKEND）",
        ),
        (
            "the backend 'x' of the package y cannot be used: ValueError: some words (plug.py, line 3)",
            "后端 'x'（来自软件包 y）无法使用：ValueError: some words（plug.py 第 3 行）",
        ),
        (
            "temperature is 'a (b)' (environment X); it must be a number of at least 0 and below 2",
            "temperature 是 'a (b)'（环境变量 X）；应当是：不小于 0 且小于 2 的数",
        ),
        (
            "job a-1 is being worked on by process 5 on host; wait for it, or stop it and run this again",
            "任务 a-1 正由主机 host 上的进程 5 处理；请等它结束，或停止它以后再次运行",
        ),
        (
            "the backend 'x' cannot be used: it returned None, which is no Offer: it has no backend, name",
            "后端 'x' 无法使用：它返回的 None 不是 Offer，缺少 backend、name",
        ),
        (
            "the storage 'x' cannot be used: it returned something of the type int, which is no storage: it has no get",
            "存储 'x' 无法使用：它返回的 int 类型的对象不是存储，缺少 get",
        ),
        ("a.pdf has no reader for .pdf; known: .md, .txt", "a.pdf：没有能读取 .pdf 文件的读取器；已知的有：.md、.txt"),
        ("a has no reader for a name without suffix; known: .md", "a：没有能读取无后缀文件的读取器；已知的有：.md"),
        (
            (
                "x.jsonl line 3 is not JSON (unexpected character, expected a JSON value, at column 1); write one"
                " object a line"
            ),
            "x.jsonl 第 3 行不是 JSON（有意外的字符，此处应为 JSON 值，第 1 列）；请每行写一个对象",
        ),
        ("the fake did not answer (submit)", "fake 后端没有回应（提交时）"),
        (
            "requests for m go one by one to: the fake on this machine: nothing leaves it, nothing is paid",
            "m 的请求将逐个发往：本机上的 fake 后端（数据不离开本机，不产生费用）",
        ),
        ("rejects     5 no_json, 2 duplicate", "被拒绝      没有 JSON 5，重复 2"),
        ("9 papers read, 1 not read, 2 repeated, 3 other files ignored",
         "已读取 9 篇论文，1 个未能读取，2 篇重复，忽略 3 个其他文件"),
    ],
)  # fmt: skip
def test_a_sentence_within_another_is_chinese_as_well(english: str, expected: str) -> None:
    assert translate(english) == expected


@pytest.mark.parametrize("english", ["default", "finished", "a list", "the storage", "interrupted"])
def test_data_that_looks_like_a_word_of_ours_stays(english: str) -> None:
    assert english in translate(f"{english} does not exist; name a file or folder of papers")
    assert english in translate(f"there is no job '{english}' in {english}; `qwen-dataset status` lists the jobs")


@pytest.mark.parametrize(
    "theirs",
    [
        "",
        "quota exceeded",
        "404 NotFound",
        "7 apples, 3 pears",
        "the plugin says no (--flag)",
        "see the log; it must be there",
        "no. (maybe)",
    ],
)
def test_what_others_say_stays_as_it_is(theirs: str) -> None:
    assert translate(theirs) == theirs


def test_cells_of_a_table_stand_below_each_other() -> None:
    lines = [
        "in_progress  2026-11-22 19:05  3/5, 1 failed  talk-1",
        "completed    2026-11-22 19:05  5/5            talk-2",
        "cancelled    -                 0/5            谈话-3",
    ]
    found = [translate(line) for line in lines]
    before = [line[: re.search("(talk|谈话)-", line).start()] for line in found]  # type: ignore[union-attr]
    assert len({len(line) + len(re.findall(r"[\u3000-\u9fff\uff00-\uffef]", line)) for line in before}) == 1, found
    assert translate("job         a").index("a") == 10, "four columns of characters, eight of space"


def test_several_lines_are_translated_each() -> None:
    assert translate("interrupted\nsomebody else's words\nnothing was deleted").split("\n") == [
        "已中断", "somebody else's words", "什么也没有删除",
    ]  # fmt: skip
    assert translate("a\nb does not exist; name a file or folder of papers").startswith("a\nb 不存在")


@given(st.text(max_size=200) | st.lists(st.sampled_from(
    ["; ", " (a)", " is ", ": ", ", ", "1 ", "'", "not read: ", "; go on with: ", "  ", "{", "\0", "\n", "job x "]
)).map("".join))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_whatever_somebody_says_is_no_error(text: str) -> None:
    assert isinstance(translate(text), str)


@pytest.mark.parametrize(
    "part", ["; ", " (a)", "x is ", "7 not read, ", "1 a, ", "a: b ", "not read: ", "; go on with: "]
)
def test_a_long_text_is_translated_soon(part: str) -> None:
    began = time.perf_counter()
    translate(part * (4_000 // len(part)))
    translate(part * 100_000)
    assert time.perf_counter() - began < 2


# Real runs


def both(inside: Stage, *args: str, stdin: str | None = None) -> Said:
    """Run a command that changes nothing in both languages, and return the Chinese one."""
    english = inside.call(*args, stdin=stdin)
    asked = inside.call(*args, env={"QWEN_DATASET_LANG": "zh"}, stdin=stdin)
    by_locale = inside.call(*args, env={"LC_ALL": "zh_CN.UTF-8"}, stdin=stdin)
    assert asked.code == by_locale.code == english.code
    if args[0] != "config":  # which shows where the language comes from
        assert (asked.out, asked.err) == (by_locale.out, by_locale.err)
    plain = inside.call(*args, env={"LC_ALL": "", "LANG": "en_US.UTF-8"}, stdin=stdin)
    assert (plain.code, plain.out, plain.err) == (english.code, english.out, english.err)
    return asked


def wholly_chinese(said: Said, *, data: str = "") -> None:
    """Every line that is no data has no English words."""
    for line in (said.out + said.err).splitlines():
        told = line.removeprefix("qwen-dataset: ")
        if told.strip() and not (data and re.match(data, told)):
            assert not foreign(told), line
            assert HAN.search(told), line


WRONG = [
    ("statsu",),
    ("--what",),
    ("status", "--jsno"),
    ("status", "a", "b"),
    ("status", "a", "b", "c"),
    ("cancel",),
    ("show-prompt",),
    ("status", "--storage"),
    ("status", "--json=3"),
    ("batch", "crate"),
    ("batch", "list", "--limit", "x"),
    ("batch", "list", "--limit", "0"),
    ("completion", "tcsh"),
    ("completion",),
    ("generate", "nowhere.md", "--backend", "fake"),
    ("generate",),
    ("generate", "papers"),
    ("generate", "papers", "--data-dir", "x", "--batch", "--realtime", "--temperature", "9", "--top-p", "0"),
    ("generate", "papers", "--backend", "fake:?what=1"),
    ("generate", "papers", "--backend", "fake:?seed=x"),
    ("generate", "papers", "--backend", "nobody"),
    ("generate", "papers", "--backend", "fake:?api_key=1"),
    ("generate", "papers", "--backend", "fake", "--storage", "jobs"),
    ("generate", "papers", "--backend", "fake", "--recipe", "prompts"),
    ("generate", "papers", "--backend", "fake", "--fresh"),
    ("generate", "papers", "--backend", "fake", "--force", "--merge"),
    ("generate", "papers", "--backend", "fake", "-o", "papers"),
    ("generate", "papers", "--backend", "fake", "-o", "no/where.jsonl"),
    ("generate", "papers", "--backend", "fake", "--storage", "memory:", "--no-wait"),
    ("generate", "papers", "--config", "absent.toml"),
    ("generate", "papers", "--config", "broken.toml"),
    ("generate", "papers", "--config", "odd.toml"),
    ("resume", "ghost"),
    ("resume",),
    ("rejects", "ghost"),
    ("batch", "create"),
    ("batch", "create", "--prompt", " ", "--backend", "fake"),
    ("batch", "create", "--input-file", "absent.txt", "--backend", "fake"),
    ("batch", "create", "--input-file", "odd.jsonl", "--backend", "fake"),
    ("batch", "create", "--input-file", "papers/a.md", "--backend", "fake"),
    ("batch", "status", "ghost", "-o", "x"),
    ("prune", "ghost"),
    ("prune", "a", "--older-than", "soon"),
    ("config", "init", "odd.toml"),
    ("config", "show", "--config", "odd.toml"),
]


@pytest.mark.parametrize("args", WRONG, ids=" ".join)
def test_what_is_wrong_is_told_in_chinese(inside: Stage, args: tuple[str, ...]) -> None:
    inside.papers()
    inside.write("broken.toml", "model = \n")
    inside.write("odd.toml", "modle = 'x'\ntemperature = 9\ntop_p = [1]\nbackend = 'nobody'\n[table]\na = 1\n")
    inside.write("odd.jsonl", '{"prompt": 1}\n{"id": "x"}\n3\n{\n{"messages": [1]}\n{"prompt": "a", "b": 1}\n')
    said = both(inside, *args)
    assert said.code == 2
    wholly_chinese(said, data=r"[a-z_]+ {2,}")


def test_a_run_is_told_in_chinese_from_its_papers_to_its_end(inside: Stage) -> None:
    inside.papers()
    inside.write("papers/bad.md", b"\0\0")
    inside.write("papers/copy.md", (inside.home / "papers/a.md").read_bytes())
    inside.write("papers/logo.png", "x")
    zh = {"QWEN_DATASET_LANG": "zh"}
    backend = "fake:?mode=batch&seed=1&fail=0.5&lie=0.9&fail_kinds=content_filter"
    for args in (("--no-wait",), (), ("--force",), ("--merge",)):
        said = inside.call("generate", "papers", "--backend", backend, "-o", "o.jsonl", *args, env=zh)
        assert said.code in (0, 1), said.err
        wholly_chinese(said)
    job = next((inside.home / "batch_jobs").iterdir()).name
    for args in (("status",), ("rejects",), ("status", job), ("papers", "papers"), ("batch", "list"), ("prune",),
                 ("rebuild", job, "-o", "p.jsonl"), ("show-prompt", "papers/a.md"), ("config", "show")):  # fmt: skip
        said = inside.call(*args, env=zh)
        assert "Traceback" not in said.err
        data = {
            "papers": r"papers/|  (?!en|zh|警告)",
            "show-prompt": r"(?!请求|模型|参数)",
            "config": r"(?!.*(默认值|环境变量))",
            "status": r"(任务|模型|来源|输出) ",
        }
        wholly_chinese(said, data=data.get(args[0], ""))


def test_a_batch_is_told_in_chinese(inside: Stage) -> None:
    zh = {"QWEN_DATASET_LANG": "zh"}
    for args in (
        (
            "batch",
            "create",
            "--prompt",
            "one",
            "--prompt",
            "two",
            "--job-name",
            "talk",
            "--backend",
            "fake:?mode=batch",
        ),
        ("batch", "status", "talk"),
        ("batch", "list"),
        ("batch", "status", "talk", "--download", "-o", "a.jsonl"),
        ("batch", "cancel", "talk"),
        ("batch", "list", "--limit", "1"),
        ("prune", "talk", "--yes"),
        ("batch", "list"),
        ("status",),
        ("prune",),
    ):
        said = inside.call(*args, env=zh)
        assert said.code in (0, 3), said.err
        wholly_chinese(said)


def test_a_damaged_batch_is_listed_in_chinese_within_the_screen(inside: Stage) -> None:
    inside.call("batch", "create", "--prompt", "one", "--job-name", "talk", "--backend", "fake:?mode=batch").works()
    (spec,) = (inside.home / "batch_jobs").glob("*/spec.json")
    spec.write_text("{")
    (line,) = both(inside, "batch", "list").out.splitlines()
    assert line.startswith("已损坏       talk-")
    assert "无法读取" in line
    assert len(line) + len(HAN.findall(line)) <= 80
    wholly_chinese(both(inside, "status"))


def test_json_is_the_same_in_both_languages(inside: Stage) -> None:
    inside.papers()
    inside.call("generate", "papers", "--backend", "fake:?seed=1&lie=0.5", "-o", "o.jsonl").works()
    inside.call("batch", "create", "--prompt", "one", "--wait", "--backend", "fake", "--job-name", "talk").works()
    for args in (
        ("generate", "papers", "--backend", "fake:?seed=1&lie=0.5", "-o", "o.jsonl", "--json"),
        ("status", "--json"),
        ("rejects", "--json"),
        ("papers", "papers", "--json"),
        ("show-prompt", "papers", "--json"),
        ("batch", "list", "--json"),
        ("batch", "status", "talk", "--json"),
    ):
        english = inside.call(*args).works()
        found = inside.call(*args, env={"LC_ALL": "zh_CN.UTF-8"}).works()
        assert found.out == english.out, args


def test_the_chinese_words_are_loaded_for_who_reads_them_only(inside: Stage) -> None:
    program = (
        "import sys; from qwen_dataset.app.cli.main import main\n"
        "try: main(['status'])\nexcept SystemExit: pass\n"
        "print('qwen_dataset.app.cli.chinese' in sys.modules)"
    )
    import subprocess
    import sys

    def loaded(locale: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"LC_ALL": locale},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1]

    assert loaded("en_US.UTF-8") == "False"
    assert loaded("zh_CN.UTF-8") == "True"
