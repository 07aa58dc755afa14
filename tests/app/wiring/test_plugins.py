from __future__ import annotations

from pathlib import Path

import pytest

from qwen_dataset.app.wiring import plugins
from qwen_dataset.app.wiring.plugins import Address
from qwen_dataset.errors import ReadError, SettingError


@pytest.mark.parametrize(
    ("text", "scheme", "location", "parameters"),
    [
        ("fake", "fake", "", {}),
        ("fake:", "fake", "", {}),
        ("fake:?seed=7&fail=0.1", "fake", "", {"seed": "7", "fail": "0.1"}),
        ("fake:a/b.jsonl?mode=realtime", "fake", "a/b.jsonl", {"mode": "realtime"}),
        ("file:jobs", "file", "jobs", {}),
        ("file:///srv/jobs", "file", "/srv/jobs", {}),
        ("file:/srv/jobs", "file", "/srv/jobs", {}),
        ("file:a?x=", "file", "a", {"x": ""}),
    ],
)
def test_addresses_are_taken_apart(text: str, scheme: str, location: str, parameters: dict[str, str]) -> None:
    assert Address.parse(text, setting="x") == Address(scheme, location, parameters)


@pytest.mark.parametrize("text", ["fake:?seed", "fake:?=&", "fake:?a=1&b"])
def test_an_address_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(SettingError, match="the backend"):
        Address.parse(text, setting="the backend")


def test_a_parameter_given_twice_is_named() -> None:
    with pytest.raises(SettingError, match="'seed' twice"):
        Address.parse("fake:?seed=1&seed=2", setting="the backend")


def test_unknown_names_are_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no backend 'nope'; known: fake"):
        plugins.open_backend("nope")
    with pytest.raises(SettingError, match="no storage 'ftp'; known: file, memory"):
        plugins.open_storage("ftp:x")
    with pytest.raises(SettingError, match="no recipe 'x'; known: instruct, prompts"):
        plugins.recipe("x")


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
        (paper,) = plugins.read_file(tmp_path / name, source=name)
        assert not isinstance(paper, ReadError)
        assert paper.source == name
    (tmp_path / "a.jsonl").write_text('{"title": "t", "text": "Some words."}\nnonsense\n', encoding="utf-8")
    good, bad = plugins.read_file(tmp_path / "a.jsonl", source="a.jsonl")
    assert not isinstance(good, ReadError)
    assert isinstance(bad, ReadError)
    (tmp_path / "b.md").write_bytes(b"\x00\x01\x02" * 100)
    (error,) = plugins.read_file(tmp_path / "b.md", source="b.md")
    assert isinstance(error, ReadError)


def test_only_known_suffixes_have_a_reader() -> None:
    assert plugins.has_reader(Path("x.MD"))
    assert not plugins.has_reader(Path("x.bib"))
    assert ".md" in plugins.known_suffixes()
