from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from qwen_dataset.app.wiring import plugins, readers, registry
from qwen_dataset.app.wiring.registry import Registry, Row
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import BackendUnavailable, ReadError, SettingError
from qwen_dataset.ports.inference import BackendSettings

Install = Callable[..., None]

KEY = "sk-0123456789abcdef"
OURS = {"bailian", "batch-chat", "dashscope", "fake", "http", "https", "openai-batch", "openai-chat"}

# What a third party may write, good and bad; each test offers one of these.
MODULE = f"""
from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
from qwen_dataset.adapters.readers.markdown import read_markdown
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.domain.recipes.instruct import InstructRecipe
from qwen_dataset.errors import BackendUnavailable, ReadError, SettingError
from qwen_dataset.ports.inference import Offer

asked = []
not_callable = 7

def backend(settings):
    asked.append(settings)
    return Offer(backend=ConcurrentBackend(None, realm="mine"), name="mine", realtime=True)

def storage(location, parameters):
    asked.append((location, parameters))
    return MemoryStorage()

def nothing(*_):
    return None

def empty_offer(settings):
    return Offer(backend=None, name="mine", realtime=True)

def raises(*_):
    raise ValueError("the answer is\\n  42")

def ends(*_):
    raise SystemExit

def refuses(*_):
    raise SettingError("pass {KEY} elsewhere")

def shows_key(settings):
    raise RuntimeError(f"401 for {{settings.api_key()}}")

def unavailable(*_):
    raise BackendUnavailable("no reply")

def half_a_storage(*_):
    return type("Half", (), {{"get": 1, "put": 1}})()

class Renamed(InstructRecipe):
    name = "elsewhere"

class Mine(InstructRecipe):
    name = "mine"

class Plain:
    name = "plain"
    prompt_version = "plain-1"
    drafts = entries = None

class Lost(InstructRecipe):
    name = "lost"
    def with_counter(self, count):
        return None

class Broken(InstructRecipe):
    name = "broken"
    def with_counter(self, count):
        raise OSError("no counter today")

class Unlucky(InstructRecipe):
    @property
    def name(self):
        raise OSError("no name today")

def read(data, *, source):
    return read_markdown(data, source=source)

def read_none(data, *, source):
    return None

def read_broken(data, *, source):
    raise ReadError(f"{{source}} is broken")

def read_lines(lines, *, source):
    for line in lines:
        if line.startswith(b"!"):
            raise KeyError(source)
        yield read_markdown(line, source=source)

class Format:
    def open(self, path): ...
    def check(self, path): ...
    def digest(self, path): ...
    def recognise(self, path): ...
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution as pip does: a module, and metadata beside it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    loaded = set(sys.modules)

    def put(
        group: str,
        entries: Mapping[str, str],
        *,
        package: str = "their-package",
        module: str = "theirs",
        code: str = MODULE,
    ) -> None:
        (site / f"{module}.py").write_text(code, encoding="utf-8")
        info = site / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"[qwen_dataset.{group}]", *(f"{name} = {target}" for name, target in entries.items()), ""]
        with (info / "entry_points.txt").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines))
        registry.installed.cache_clear()

    registry.installed.cache_clear()
    yield put
    registry.installed.cache_clear()
    for name in set(sys.modules) - loaded:
        if str(site) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_unknown_names_are_told_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match="no backend 'nope'; known: .*fake"):
        plugins.open_backend("nope")
    with pytest.raises(SettingError, match="no storage 'ftp'; known: .*file, .*memory"):
        plugins.open_storage("ftp:x")
    with pytest.raises(SettingError, match="no recipe 'x'; known: .*instruct, .*prompts"):
        plugins.recipe("x")
    with pytest.raises(SettingError, match="no writer 'xml'; known: .*jsonl"):
        plugins.output_format("xml")
    with pytest.raises(SettingError, match=r"no reader for '\.bib'; known: .*\.md, "):
        list(readers.read_file(Path("x.bib"), source="x.bib"))


def test_a_folder_without_its_scheme_is_told_how_to_write_it() -> None:
    with pytest.raises(SettingError, match=r"; for a folder write 'file:\./jobs'$"):
        plugins.open_storage("./jobs")


def test_a_key_in_the_wrong_place_is_not_shown() -> None:
    for call in (plugins.open_backend, plugins.open_storage, plugins.recipe, plugins.output_format):
        with pytest.raises(SettingError) as told:
            call(KEY)
        assert KEY not in str(told.value)
        assert "***" in str(told.value)
    with pytest.raises(SettingError) as told:
        plugins.open_backend(f"fake:?{KEY}=1")
    assert KEY not in str(told.value)
    assert not any(KEY in problem for problem in told.value.problems)


@pytest.mark.parametrize("text", ["file:", "file:x?y=1", "memory:x", "memory:?y=1"])
def test_storages_refuse_what_they_do_not_know(text: str) -> None:
    with pytest.raises(SettingError):
        plugins.open_storage(text)


def test_the_fake_is_offered_in_both_ways(tmp_path: Path) -> None:
    batch = plugins.open_backend(f"fake:{tmp_path}/f.jsonl?seed=3")
    realtime = plugins.open_backend("fake:memory?mode=realtime&seed=3")
    assert (batch.name, batch.realtime, realtime.realtime) == ("fake", False, True)
    assert batch.backend.realm == realtime.backend.realm == "fake:3"
    assert batch.sleep is not None


def test_files_are_read_by_suffix(tmp_path: Path) -> None:
    for name in ("a.md", "a.TXT", "a.rst"):
        (tmp_path / name).write_text("# Title\n\nSome words about a matter that matters.\n", encoding="utf-8")
        (paper,) = readers.read_file(tmp_path / name, source=name)
        assert not isinstance(paper, ReadError)
        assert paper.source == name
    (tmp_path / "a.jsonl").write_text('{"title": "t", "text": "Some words."}\nnonsense\n', encoding="utf-8")
    good, bad = readers.read_file(tmp_path / "a.jsonl", source="a.jsonl")
    assert not isinstance(good, ReadError)
    assert isinstance(bad, ReadError)
    (tmp_path / "b.md").write_bytes(b"\x00\x01\x02" * 100)
    (error,) = readers.read_file(tmp_path / "b.md", source="b.md")
    assert isinstance(error, ReadError)


def test_only_known_suffixes_have_a_reader() -> None:
    assert readers.has_reader(Path("x.MD"))
    assert not readers.has_reader(Path("x.bib"))
    assert not readers.has_reader(Path("md"))
    assert {".md", ".jsonl"} <= set(readers.known_suffixes())


def test_the_jsonl_module_is_an_output_format(tmp_path: Path) -> None:
    output, jsonl = tmp_path / "o.jsonl", plugins.output_format()
    jsonl.check(output)
    assert jsonl.digest(output) is None
    with jsonl.open(output) as writer:
        writer.write({"instruction": "i", "output": "o"})
        writer.commit()
    assert jsonl.digest(output) == writer.digest == hashlib.sha256(output.read_bytes()).hexdigest()
    assert jsonl.recognise(output)


def test_every_row_of_ours_can_be_loaded() -> None:
    reading = (plugins.readers, plugins.dumps, plugins.collections, plugins.projects, plugins.parts)
    for each in (plugins.backends, plugins.storages, plugins.recipes, *reading):
        for name in each.rows:
            assert callable(each.find(name).load())


# ---- what other packages offer ---------------------------------------------------------------------------------------


def test_another_package_adds_a_backend(install: Install) -> None:
    install("backends", {"mine": "theirs:backend"})
    given = BackendSettings(location="overwritten", realtime=True, concurrency=3)
    offer = plugins.open_backend("mine://host/a?x=1", given)
    import theirs

    assert theirs.asked == [attrs.evolve(given, location="host/a", parameters={"x": "1"})]
    assert offer.backend.realm == "mine"
    assert plugins.backends.names() == sorted(OURS | {"mine"})


def test_another_package_adds_a_storage(install: Install) -> None:
    install("storages", {"mine": "theirs:storage"})
    plugins.open_storage("mine:a.db?x=1")
    import theirs

    assert theirs.asked == [("a.db", {"x": "1"})]
    assert plugins.local_folder("mine:a.db") is None


def test_a_recipe_is_given_the_count_where_it_takes_one(install: Install) -> None:
    install("recipes", {name.lower(): f"theirs:{name}" for name in ("Mine", "Plain", "Lost", "Broken")})
    assert plugins.recipe("mine", count=len).count is len
    assert plugins.recipe("instruct", count=len).count is len
    # One that does not measure in tokens is asked as it is.
    assert plugins.recipe("plain", count=len).name == "plain"
    assert plugins.recipe("prompts", count=len).name == "prompts"
    with pytest.raises(SettingError, match="'lost' .*returned None, which is no recipe"):
        plugins.recipe("lost", count=len)
    with pytest.raises(SettingError, match="'broken' .*cannot be used: OSError: no counter today"):
        plugins.recipe("broken", count=len)
    assert plugins.recipe("broken").name == "broken"


def test_another_package_adds_a_recipe_and_a_writer(install: Install) -> None:
    install("recipes", {"mine": "theirs:Mine"})
    install("writers", {"whole": "theirs_writer", "object": "theirs:Format"}, module="theirs_writer")
    assert plugins.recipe("mine").name == "mine"
    assert plugins.output_format("object").__name__ == "Format"
    with pytest.raises(
        SettingError,
        match="is something of the type module, which is no output format: it has no open, check, digest, rec",
    ):
        plugins.output_format("whole")


def test_another_package_reads_documents_and_dumps(install: Install, tmp_path: Path) -> None:
    install("readers", {"note": "theirs:read"})
    install("dumps", {"notes": "theirs:read_lines"})
    (tmp_path / "a.Note").write_text("# Title\n\nSome words about it.\n", encoding="utf-8")
    (tmp_path / "a.notes").write_text("One sentence.\nAnother one.\n! broken\n", encoding="utf-8")
    assert readers.has_reader(tmp_path / "a.Note")
    assert {".note", ".notes", ".md"} <= set(readers.known_suffixes())
    (paper,) = readers.read_file(tmp_path / "a.Note", source="a.Note")
    assert isinstance(paper, Paper)
    first, second, error = readers.read_file(tmp_path / "a.notes", source="a.notes")
    assert isinstance(first, Paper)
    assert isinstance(second, Paper)
    assert str(error).startswith(
        "a.notes could not be read by the reader 'notes' of the package their-package: KeyError"
    )


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (
            "read_none",
            "a.x could not be read by the reader 'x' of the package p: TypeError: it gave a NoneType, not a Paper",
        ),
        ("read_broken", "a.x is broken"),
        ("raises", "a.x could not be read by the reader 'x' of the package p: TypeError: "),
    ],
)
def test_a_file_that_breaks_their_reader_is_one_that_could_not_be_read(
    install: Install, tmp_path: Path, function: str, sentence: str
) -> None:
    install("readers", {"x": f"theirs:{function}"}, package="p")
    (tmp_path / "a.x").write_text("words", encoding="utf-8")
    (error,) = readers.read_file(tmp_path / "a.x", source="a.x")
    assert isinstance(error, ReadError)
    assert str(error).startswith(sentence)


def test_a_reader_that_names_a_wrong_setting_stops_the_run(install: Install, tmp_path: Path) -> None:
    install("dumps", {"x": "theirs:refuses"})
    code = MODULE.replace("def refuses(*_):", "def refuses(lines, *, source):")
    install("readers", {"y": "others:refuses"}, package="others", module="others", code=code)
    (tmp_path / "a.y").write_text("words", encoding="utf-8")
    with pytest.raises(SettingError, match="elsewhere"):
        list(readers.read_file(tmp_path / "a.y", source="a.y"))


def test_our_names_cannot_be_taken(install: Install, tmp_path: Path) -> None:
    install("backends", {"fake": "theirs:raises"})
    install("storages", {"memory": "theirs:raises"})
    install("recipes", {"instruct": "theirs:raises"})
    install("readers", {"md": "theirs:raises", "jsonl": "theirs:raises"})
    install("writers", {"jsonl": "theirs:Format"})
    assert plugins.open_backend("fake:memory").name == "fake"
    plugins.open_storage("memory:")
    assert plugins.recipe("instruct").name == "instruct"
    (tmp_path / "a.jsonl").write_text('{"title": "t", "text": "Some words."}\n', encoding="utf-8")
    assert len(list(readers.read_file(tmp_path / "a.jsonl", source="a.jsonl"))) == 1
    assert plugins.output_format().__name__ == "qwen_dataset.adapters.writers.jsonl"
    assert plugins.backends.names() == sorted(OURS)


def test_two_packages_with_the_same_name_are_both_named(install: Install) -> None:
    install("backends", {"mine": "theirs:backend", "other": "theirs:backend"}, package="package-one")
    install("backends", {"mine": "theirs:backend"}, package="package-two")
    with pytest.raises(SettingError, match="backend 'mine' is offered by package-one and package-two; uninstall"):
        plugins.open_backend("mine")
    assert plugins.backends.names() == sorted(OURS | {"mine", "other"})
    assert plugins.open_backend("other").name == "mine"


def test_a_suffix_is_read_by_one_package_alone(install: Install, tmp_path: Path) -> None:
    install("readers", {"x": "theirs:read"}, package="package-one")
    install("dumps", {"x": "theirs:read_lines"}, package="package-two")
    assert readers.has_reader(Path("a.x"))
    with pytest.raises(SettingError, match="reader 'x' is offered by package-one and package-two"):
        next(readers.read_file(tmp_path / "a.x", source="a.x"))


def test_the_first_installation_on_the_path_counts(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("backends", {"mine": "theirs:backend"}, package="Their_Package")
    older = tmp_path / "older" / "their.package-0.1.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: their.package\nVersion: 0.1\n", encoding="utf-8")
    (older / "entry_points.txt").write_text("[qwen_dataset.backends]\nmine = absent:x\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(older.parent)])
    registry.installed.cache_clear()
    assert plugins.open_backend("mine").name == "mine"


def test_a_broken_installation_does_not_take_others_away(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install("backends", {"mine": "theirs:backend"})
    broken = tmp_path / "site" / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "entry_points.txt").write_bytes(b"[qwen_dataset.backends]\nx = \xff\xfe\n")
    registry.installed.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert plugins.backends.names() == sorted(OURS | {"mine"})
    assert "entry points" in caplog.text


# ---- what other packages do wrong ------------------------------------------------------------------------------------

THEIRS = "of the package their-package cannot be used: "


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("absent:x", "ModuleNotFoundError: No module named 'absent'"),
        ("theirs:absent", "AttributeError: module 'theirs' has no attribute 'absent'"),
        ("theirs:not_callable", "it is something of the type int, not a function"),
        ("theirs", "it is something of the type module, not a function"),
        ("not an entry", "AttributeError"),
        ("theirs:nothing", "it returned None, which is no "),
        ("theirs:raises", r"ValueError: the answer is 42 \(theirs.py, line 27\)$"),
        ("theirs:ends", r"SystemExit \(theirs.py, line 30\)$"),
        ("theirs:Format", "TypeError: "),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_sentence(install: Install, target: str, sentence: str) -> None:
    install("backends", {"mine": target})
    install("storages", {"mine": target})
    with pytest.raises(SettingError, match=f"^the backend 'mine' {THEIRS}{sentence}") as told:
        plugins.open_backend("mine:x")
    assert "\n" not in str(told.value)
    assert told.value.__suppress_context__ or told.value.__context__ is None, "no traceback of theirs is shown"
    with pytest.raises(SettingError, match=f"^the storage 'mine' {THEIRS}{sentence}"):
        plugins.open_storage("mine:x")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("def backend(:", r"SyntaxError: .*\(theirs.py, line 1\)"),
        ("1 / 0", r"ZeroDivisionError: division by zero \(theirs.py, line 1\)"),
        ("\nimport absent_library", r"ModuleNotFoundError: No module named 'absent_library' \(theirs.py, line 2\)"),
        ("raise SystemExit(3)", r"SystemExit: 3 \(theirs.py, line 1\)"),
        (f"raise ValueError('{KEY}')", r"ValueError: \*\*\* \(theirs.py, line 1\)"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_sentence(install: Install, code: str, sentence: str) -> None:
    for group in ("backends", "storages", "recipes", "writers", "readers"):
        install(group, {"mine": "theirs:backend"}, code=code)
    calls: list[Callable[[], object]] = [
        lambda: plugins.open_backend("mine"),
        lambda: plugins.open_storage("mine:"),
        lambda: plugins.recipe("mine"),
        lambda: plugins.output_format("mine"),
        lambda: next(readers.read_file(Path("a.mine"), source="a.mine")),
    ]
    for call in calls:
        with pytest.raises(SettingError, match=f"'mine' {THEIRS}{sentence}$"):
            call()


def test_half_of_a_port_is_told_by_what_it_lacks(install: Install) -> None:
    install("backends", {"mine": "theirs:empty_offer"})
    install("storages", {"mine": "theirs:half_a_storage"})
    with pytest.raises(SettingError, match="it offers None, which is no backend: it has no limits, realm, submit"):
        plugins.open_backend("mine")
    with pytest.raises(
        SettingError,
        match="it returned something of the type Half, which is no storage: it has no stream, keys, delete$",
    ):
        plugins.open_storage("mine:")


def test_a_recipe_has_the_name_that_it_is_found_by(install: Install) -> None:
    install("recipes", {"mine": "theirs:Renamed", "unlucky": "theirs:Unlucky", "none": "theirs:nothing"})
    with pytest.raises(SettingError, match="'mine' .* calls itself 'elsewhere'; both names must be the same"):
        plugins.recipe("mine")
    with pytest.raises(SettingError, match=r"OSError: no name today \(theirs.py"):
        plugins.recipe("unlucky")
    with pytest.raises(SettingError, match="it returned None, which is no recipe: it has no name, prompt_version"):
        plugins.recipe("none")


def test_errors_of_this_package_keep_their_kind(install: Install) -> None:
    install("backends", {"busy": "theirs:unavailable", "picky": "theirs:refuses"})
    with pytest.raises(BackendUnavailable, match="no reply"):
        plugins.open_backend("busy")
    with pytest.raises(SettingError, match=r"^pass \*\*\* elsewhere$"):
        plugins.open_backend("picky")


def test_the_key_in_use_is_not_shown_whatever_it_looks_like(install: Install) -> None:
    install("backends", {"mine": "theirs:shows_key", "good": "theirs:backend"})
    with pytest.raises(SettingError, match=r"RuntimeError: 401 for \*\*\*"):
        plugins.open_backend("mine", BackendSettings(api_key=lambda: "an odd key"))
    asked: list[int] = []
    plugins.open_backend("good", BackendSettings(api_key=lambda: str(asked.append(1))))
    assert not asked, "a key is not asked for where nobody needs it"


def test_a_key_that_cannot_be_had_hides_no_other_error(install: Install) -> None:
    def broken() -> str:
        raise LookupError("the vault is closed")

    install("backends", {"mine": "theirs:shows_key", "raises": "theirs:raises"})
    with pytest.raises(SettingError, match="LookupError: the vault is closed"):
        plugins.open_backend("mine", BackendSettings(api_key=broken))
    with pytest.raises(SettingError, match="ValueError: the answer is 42"):
        plugins.open_backend("raises", BackendSettings(api_key=broken))


# ---- extras ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["import absent_library", "def backend(*_, **__):\n    import absent_library.inner", "import absent.a"]
)
def test_a_missing_extra_answers_with_the_install_line(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    install("nothing", {}, code=code)
    row = {"s3": Row("theirs:backend", "s3")}
    line = "the {kind} 's3' needs another package: pip install \"qwen-dataset[s3]\""
    monkeypatch.setattr(plugins, "storages", Registry("storage", "qwen_dataset.storages", row))
    with pytest.raises(SettingError) as told:
        plugins.open_storage("s3://bucket/jobs")
    assert str(told.value) == line.format(kind="storage")
    monkeypatch.setattr(plugins, "readers", Registry("reader", "qwen_dataset.readers", row))
    (tmp_path / "a.s3").write_text("words", encoding="utf-8")
    with pytest.raises(SettingError) as told:
        list(readers.read_file(tmp_path / "a.s3", source="a.s3"))
    assert str(told.value) == line.format(kind="reader")


@pytest.mark.parametrize(
    ("row", "code", "error"),
    [
        (Row("theirs:backend", "s3"), "import qwen_dataset.absent", ModuleNotFoundError),
        (Row("theirs:backend", "s3"), "1 / 0", ZeroDivisionError),
        (Row("theirs:backend"), "import absent_library", ModuleNotFoundError),
        (Row("theirs:backend"), "def backend(*_, **__):\n    1 / 0", ZeroDivisionError),
    ],
)
def test_a_fault_of_our_own_is_not_blamed_on_a_library(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    row: Row,
    code: str,
    error: type[Exception],
) -> None:
    install("nothing", {}, code=code)
    monkeypatch.setattr(plugins, "storages", Registry("storage", "qwen_dataset.storages", {"x": row}))
    monkeypatch.setattr(plugins, "readers", Registry("reader", "qwen_dataset.readers", {"x": row}))
    with pytest.raises(error):
        plugins.open_storage("x:")
    (tmp_path / "a.x").write_text("words", encoding="utf-8")
    with pytest.raises(error):
        list(readers.read_file(tmp_path / "a.x", source="a.x"))


# ---- nothing before it is asked for ----------------------------------------------------------------------------------


def test_nothing_is_scanned_or_imported_for_names_of_ours(tmp_path: Path) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from qwen_dataset.app.wiring import plugins, readers, registry
        assert not [name for name in sys.modules if name.startswith("qwen_dataset.adapters")]
        plugins.open_storage("file:{tmp_path}/jobs")
        plugins.recipe("instruct")
        assert readers.has_reader(Path("a.md")) and readers.has_reader(Path("a.jsonl"))
        assert not registry.installed.cache_info().misses, "installed packages were looked at"
        assert not readers.has_reader(Path("a.bib")) and not readers.has_reader(Path("b.bib"))
        assert registry.installed.cache_info().misses == 1
        assert not [name for name in sys.modules if name.startswith("qwen_dataset.adapters.inference")]
    """
    subprocess.run([sys.executable, "-c", "\n".join(line.strip() for line in code.splitlines())], check=True)


def test_an_offer_of_batches_one_by_one_must_have_them_all(install: Install) -> None:
    code = MODULE + (
        "\ndef remote(settings):\n"
        "    return Offer(backend=ConcurrentBackend(None, realm='m'), name='m', realtime=True, remote=nothing)\n"
    )
    install("backends", {"mine": "theirs:remote"}, code=code)
    with pytest.raises(SettingError, match="which is no RemoteBatches: it has no upload, create, "):
        plugins.open_backend("mine")


@pytest.mark.parametrize(("scheme", "extra"), [("dashscope", "dashscope"), ("bailian", "dashscope")])
def test_a_backend_whose_package_is_missing_says_how_to_install_it(
    scheme: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: Row) -> object:
        raise ModuleNotFoundError(name="dashscope")

    monkeypatch.setattr(Row, "load", missing)
    with pytest.raises(SettingError, match=rf'pip install "qwen-dataset\[{extra}\]"$'):
        plugins.open_backend(scheme)


def test_a_bucket_whose_package_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Row) -> object:
        raise ModuleNotFoundError(name="obstore")

    monkeypatch.setattr(Row, "load", missing)
    with pytest.raises(SettingError, match=r'pip install "qwen-dataset\[s3\]"$'):
        plugins.open_storage("s3://bucket/jobs")
