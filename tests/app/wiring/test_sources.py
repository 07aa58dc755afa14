from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.wiring import sources
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.app.wiring.settings import SETTINGS, by_name
from qwen_dataset.app.wiring.sources import Chosen, Resolved, get_safe_config, load_config, resolve
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.errors import SettingError

KEY = "sk-0123456789abcdef0123456789abcdef"
PLAIN_KEY = "geheim.4711-xyz"

Look = Callable[..., Resolved]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Resolve in a folder of its own, with these files and variables and nothing else."""

    def look(
        arguments: Mapping[str, Any] | None = None,
        *,
        toml: str | bytes | None = None,
        dotenv: str | bytes | None = None,
        environ: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Resolved:
        for name, content in (("qwen-dataset.toml", toml), (".env", dotenv)):
            if content is not None:
                (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return resolve(arguments, environ=environ or {}, folder=tmp_path, **more)

    return look


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Make an empty folder the current one, and return the environment, which is empty."""
    environ: dict[str, str] = {}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "os", SimpleNamespace(environ=environ))
    return environ


def sentences(resolved: Resolved) -> list[str]:
    told = [problem.sentence for problem in resolved.problems]
    assert all(sentence.isprintable() for sentence in told)
    return told


def only(resolved: Resolved) -> str:
    (sentence,) = sentences(resolved)
    return sentence


class TestOrder:
    """Defaults, TOML, .env, environment, arguments: the later one wins."""

    def test_nothing_is_set(self, look: Look) -> None:
        resolved = look()
        assert resolved.config() == Config()
        assert {chosen.source for chosen in resolved.values.values()} == {"default"}
        assert list(resolved.values) == [setting.name for setting in SETTINGS]
        assert not resolved.problems

    @given(st.sets(st.sampled_from(["toml", ".env", ".env own", "environment", "environment own", "argument"])))
    def test_the_topmost_place_wins_and_is_named(self, places: set[str]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if "toml" in places:
                (folder / "qwen-dataset.toml").write_text('# ours\n\nmodel = "toml"\n')
            lines = ["# ours", "OTHER=1"]
            lines += ["QIANWEN_MODEL=dotenv"] if ".env" in places else []
            lines += ["QWEN_DATASET_MODEL=own-dotenv"] if ".env own" in places else []
            (folder / ".env").write_text("\n".join(lines))
            environ = {"HOME": "/"}
            environ |= {"QIANWEN_MODEL": "environ"} if "environment" in places else {}
            environ |= {"QWEN_DATASET_MODEL": "own-environ"} if "environment own" in places else {}
            arguments = {"model": "argument"} if "argument" in places else {}
            resolved = resolve(arguments, environ=environ, folder=folder)
        ranked = [
            ("argument", "argument", "--model"),
            ("environment own", "own-environ", "environment QWEN_DATASET_MODEL"),
            ("environment", "environ", "environment QIANWEN_MODEL"),
            (".env own", "own-dotenv", f".env line {3 + ('.env' in places)} QWEN_DATASET_MODEL"),
            (".env", "dotenv", ".env line 3 QIANWEN_MODEL"),
            ("toml", "toml", "qwen-dataset.toml line 3"),
        ]
        expected = next((Chosen(value, source) for place, value, source in ranked if place in places), None)
        assert resolved.values["model"] == (expected or Chosen("qwen-plus", "default"))
        assert resolved.config().model == resolved.values["model"].value

    @pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
    def test_every_variable_of_every_setting_counts_before_the_next(self, setting: Any, look: Look) -> None:
        good = {"api_key": "k-1", "base_url": "http://h", "completion_window": "2d", "language": "zh", "lang": "zh"}
        good |= {"use_batch": "no", "retry_unknown": "never", "temperature": "1", "top_p": "1", "concurrency": "7"}
        good |= {"enable_thinking": "yes", "response_format": "json_object", "extra_body": '{"top_k": 20}'}
        good |= {"finish": "realtime", "after": "6h", "clean_remote": "1", "pilot_min_yield": "0.5"}
        good |= {"read_memory": "300"}
        text = good.get(setting.name, "77")
        for place, variable in enumerate(setting.variables):
            environ = {variable: text, **dict.fromkeys(setting.variables[place + 1 :], "\0 no value of anything")}
            resolved = look(environ=environ)
            assert resolved.values[setting.name] == Chosen(setting.check(text), f"environment {variable}")
            assert not resolved.problems

    def test_an_empty_variable_sets_nothing(self, look: Look) -> None:
        resolved = look(
            toml='use_batch = true\nmodel = "m"',
            dotenv="QIANWEN_MODEL=\nQWEN_DATASET_REGION",
            environ={"USE_BATCH": " ", "QWEN_DATASET_MODEL": "", "QWEN_DATASET_NONSENSE": ""},
        )
        assert not resolved.problems
        assert [resolved.values[name].value for name in ("use_batch", "model")] == [True, "m"]

    def test_auto_says_that_the_size_decides(self, look: Look) -> None:
        resolved = look(toml="use_batch = true", environ={"USE_BATCH": "auto"})
        assert resolved.values["use_batch"] == Chosen(None, "environment USE_BATCH")

    def test_arguments_of_a_command_and_of_a_call(self, look: Look) -> None:
        arguments = {"use_batch": False, "max_samples": 7, "region": None, "api_key": "k"}
        values = look(arguments).values
        assert values["use_batch"].source == "--realtime"
        assert values["max_samples"] == Chosen(7, "--max-samples")
        assert values["region"].source == "default"
        assert values["api_key"].source == "api_key"
        assert look(arguments, library=True).values["max_samples"].source == "argument max_samples"

    def test_typed_values_of_toml(self, look: Look) -> None:
        resolved = look(
            toml="temperature = 1\ntop_p = '0.5'\nmax_tokens = 0x10\nuse_batch = false\nretry_unknown = 'never'\n"
            'output = "量子.jsonl"\n"poll" = 2.5\n'
        )
        config = resolved.config()
        assert (config.temperature, config.top_p, config.max_tokens, config.use_batch) == (1.0, 0.5, 16, False)
        assert (config.retry_unknown, config.output, config.poll) == (RetryUnknown.NEVER, Path("量子.jsonl"), 2.5)
        assert resolved.values["poll"].source == "qwen-dataset.toml line 7"

    def test_another_file_takes_the_place_of_the_usual_one(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "other.toml").write_text("rounds = 5")
        resolved = look(toml="rounds = 6\nmax_samples = 9", path=Path("other.toml"))
        assert resolved.values["rounds"] == Chosen(5, "other.toml line 1")
        assert resolved.values["max_samples"].source == "default"

    def test_the_folder_and_environment_of_the_process(self, here: dict[str, str]) -> None:
        Path("qwen-dataset.toml").write_text("rounds = 5")
        here["TOP_P"] = "0.5"
        resolved = resolve()
        assert (resolved.values["rounds"].value, resolved.values["top_p"].value) == (5, 0.5)


class TestLines:
    """The line of a setting, which tomllib does not tell."""

    @pytest.mark.parametrize(
        ("toml", "line"),
        [
            ("rounds=0", 1),
            ("\n\n  rounds   = 0", 3),
            ("# rounds = 1\r\nrounds = 0\r\n", 2),
            ("'rounds' = 0", 1),
            ('\n"rounds" = 0', 2),
            ("\nrounds.x = 0", 2),
            ("\n[rounds]\nx = 0", 2),
            ("\n[[rounds]]", 2),
            ('model = """\nrounds = 1\n"""\nrounds = 0', 4),
            ("model = '''\nrounds = 1\n'''\n\nrounds = 0", 5),
        ],
    )
    def test_it_is_found(self, toml: str, line: int, look: Look) -> None:
        told = [each for each in sentences(look(toml=toml)) if each.startswith("rounds is")]
        assert len(told) == 1
        assert f"(qwen-dataset.toml line {line})" in told[0]

    def test_one_that_cannot_be_seen_is_left_out(self, look: Look) -> None:
        assert "(qwen-dataset.toml)" in only(look(toml='"\\u0072ounds" = 0'))

    @pytest.mark.parametrize(
        ("dotenv", "line"),
        [
            ("TOP_P=7", 1),
            ("\n\n \nTOP_P=7", 4),
            ("\r\n\r\nexport TOP_P = '7'\r\n", 3),
            ('NOTE="two\nlines"\nTOP_P=7', 3),
            ("TOP_P=0.5\nTOP_P=7", 2),
            ("\ufeff# mark\nTOP_P=7", 2),
        ],
    )
    def test_of_a_variable(self, dotenv: str, line: int, look: Look) -> None:
        assert only(look(dotenv=dotenv)).startswith(f"top_p is '7' (.env line {line} TOP_P); it must be")


class TestFiles:
    """A file that cannot be read is one sentence."""

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("rounds = ", "qwen-dataset.toml is not valid TOML: Invalid value"),
            ("rounds = 1\nrounds = 2", "qwen-dataset.toml is not valid TOML: Cannot overwrite a value"),
            ("a = '\x00'", r"qwen-dataset.toml is not valid TOML: Found invalid character '\x00'"),
            ("rounds = " + "9" * 5000, "qwen-dataset.toml is not a file of settings; write one"),
            ("rounds = " + "[" * 5000, "qwen-dataset.toml is not a file of settings; write one"),
            (b"model = 'm'\n# \xff", "qwen-dataset.toml line 2 is not UTF-8 text; save the file as UTF-8"),
            ("rounds = 1".encode("utf-16"), "qwen-dataset.toml line 1 is not UTF-8 text; save the file as UTF-8"),
            (b" " * 1_000_001, "qwen-dataset.toml is larger than 1000000 bytes; it cannot be a file of settings"),
        ],
        ids=["half", "twice", "nul", "number", "brackets", "latin", "utf-16", "large"],
    )
    def test_toml_that_is_none(self, content: str | bytes, told: str, look: Look) -> None:
        resolved = look(toml=content)
        assert only(resolved).startswith(told)
        assert resolved.problems[0].setting is None
        with pytest.raises(SettingError, match=r"qwen-dataset\.toml"):
            resolved.config(needed=())

    def test_a_mark_in_front_and_windows_line_ends_are_fine(self, look: Look) -> None:
        resolved = look(
            toml=b"\xef\xbb\xbfrounds = 5\r\ntop_p = 0.5\r\n", dotenv=b"\xef\xbb\xbfTEMPERATURE=1\r\nDATA_DIR=x\r\n"
        )
        assert resolved.config() == Config(rounds=5, top_p=0.5, temperature=1, data_dir=Path("x"))

    def test_a_folder_in_its_place(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "qwen-dataset.toml").mkdir()
        assert only(look()) == "qwen-dataset.toml is a folder; settings are read from a file"

    def test_a_folder_called_dotenv_is_somebodys_virtual_environment(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / ".env").mkdir()
        assert look().problems == ()

    @pytest.mark.parametrize("name", ["qwen-dataset.toml", ".env"])
    def test_a_link_in_a_circle(self, name: str, look: Look, tmp_path: Path) -> None:
        (tmp_path / name).symlink_to(name)
        assert only(look()).startswith(f"{name} cannot be read: ")

    @pytest.mark.parametrize("name", ["qwen-dataset.toml", ".env"])
    def test_no_permission(self, name: str, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        before = Path.open
        monkeypatch.setattr(Path, "open", lambda file, mode: refuse() if file.name == name else before(file, mode))
        assert only(look()) == f"{name} cannot be read: Permission denied"

    def test_a_named_file_must_be_there(self, look: Look, tmp_path: Path) -> None:
        assert only(look(path=Path("mine.toml"))) == "mine.toml is not there; name a file that is"
        (tmp_path / "plain").touch()
        assert "plain/x.toml is not there" in only(look(path=Path("plain/x.toml")))

    @pytest.mark.parametrize("path", ["a\0b", "\ud800"])
    def test_a_named_file_that_cannot_be(self, path: str, look: Look) -> None:
        assert only(look(path=Path(path))).endswith("cannot be read: this is no path")

    def test_a_folder_that_is_not_there_has_no_files(self, tmp_path: Path) -> None:
        (tmp_path / "plain").touch()
        for folder in (tmp_path / "nowhere", tmp_path / "plain"):
            assert not resolve(environ={}, folder=folder).problems

    def test_a_key_in_a_files_name_is_not_shown(self, look: Look, tmp_path: Path) -> None:
        assert KEY not in only(look(path=tmp_path / f"{KEY}\n.toml"))
        assert PLAIN_KEY not in only(look(path=Path(f"{PLAIN_KEY}.toml"), environ={"QIANWEN_API_KEY": PLAIN_KEY}))


class TestDotenv:
    """What python-dotenv reads as, and what it does not."""

    def test_broken_lines_are_told_by_their_numbers(self, look: Look) -> None:
        told = sentences(look(dotenv=f'\nTOP_P="0.5\n\nDASHSCOPE_API_KEY {PLAIN_KEY}\nTEMPERATURE=1\n'))
        assert told == [
            ".env line 2 cannot be read; write NAME=value, with both quotation marks or none",
            ".env line 4 cannot be read; write NAME=value, with both quotation marks or none",
        ]

    def test_quotes_comments_and_exports(self, look: Look) -> None:
        resolved = look(
            dotenv="export QIANWEN_MODEL='qwen-max' # large\nDATA_DIR=my papers # here\nOUTPUT_FILE=\"a b.jsonl\"\n"
        )
        config = resolved.config()
        assert (config.model, config.data_dir, config.output) == ("qwen-max", Path("my papers"), Path("a b.jsonl"))

    def test_other_variables_are_filled_in(self, look: Look) -> None:
        dotenv = "BASE=/srv\nHOME=/wrong\nDATA_DIR=${BASE}/${HOME}/${NOWHERE:-papers}${NOTHING}"
        assert look(dotenv=dotenv, environ={"HOME": "me"}).values["data_dir"].value == Path("/srv/me/papers")

    def test_other_peoples_names_are_ignored(self, look: Look) -> None:
        assert not look(dotenv="DATABASE_URL=x\nMODEL=y\nqwen_dataset_model=z\nX").problems


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("toml", "told"),
        [
            ("modle = 'x'", "there is no setting 'modle' (qwen-dataset.toml line 1); did you mean model?"),
            ("qianwen_model = 'x'", "did you mean model?"),
            ("output_file = 'x'", "did you mean output?"),
            ("\nzzz = 1", "there is no setting 'zzz' (qwen-dataset.toml line 2); known: api_key, backend, "),
            ("'a\u2028b' = 1", r"there is no setting 'a\u2028b' (qwen-dataset.toml line 1); known: "),
            ("'' = 1", "there is no setting '' (qwen-dataset.toml"),
            (
                "[model_settings]\nx = 1",
                "settings stand at the top of the file, one `name = value` a line, in no [table]",
            ),
            ("tool.qwen = 1", "in no [table]"),
        ],
    )
    def test_in_toml(self, toml: str, told: str, look: Look) -> None:
        assert told in only(look(toml=toml))

    def test_a_table_in_place_of_a_value(self, look: Look) -> None:
        told = sentences(look(toml="rounds = [1, 2]\nbackend = {name = 'fake'}\nmodel = 2025-01-02\n[output]\nx = 1"))
        assert [sentence.partition(";")[0] for sentence in told] == [
            "backend is a table (qwen-dataset.toml line 2)",
            "model is a date or time (qwen-dataset.toml line 3)",
            "output is a table (qwen-dataset.toml line 4)",
            "rounds is a list (qwen-dataset.toml line 1)",
        ]

    def test_in_variables(self, look: Look) -> None:
        told = sentences(
            look(dotenv="\nQWEN_DATASET_MODLE=x", environ={"QWEN_DATASET_TEMPRATURE": "1", "QWEN_DATASET_\n": "1"})
        )
        assert told[0] == "there is no setting 'QWEN_DATASET_MODLE' (.env line 2); did you mean QWEN_DATASET_MODEL?"
        assert told[1].startswith(r"there is no setting 'QWEN_DATASET_\n' (environment); known: ")
        assert told[2].endswith("(environment); did you mean QWEN_DATASET_TEMPERATURE?")

    def test_in_arguments(self, look: Look) -> None:
        told = only(look({"temprature": 1}, library=True))
        assert told == "there is no setting 'temprature' (argument); did you mean temperature?"

    def test_they_count_whatever_is_needed(self, look: Look) -> None:
        with pytest.raises(SettingError, match="modle"):
            look(toml="modle = 'x'").config(needed=["storage"])


class TestProblems:
    def test_twenty_wrong_values_are_twenty_sentences(self, look: Look) -> None:
        resolved = look(
            {"poll": "0", "rounds": 101, "lang": "xx", "job_name": "a/b", "use_batch": "perhaps"},
            toml="api_key = 7\nbackend = ''\nbase_url = 'x'\nregion = 'a b'\nwriter = ''\nmodle = 'x'\nstorage = 1\n",
            dotenv="QIANWEN_MODEL=a b\nBATCH_COMPLETION_WINDOW=1h\nMAX_SAMPLES_PER_PAPER=many\nTOP_P=0\n",
            environ={
                "TEMPERATURE": "2",
                "MAX_TOKENS": "0",
                "QWEN_DATASET_LANGUAGE": "fr",
                "QWEN_DATASET_CONCURRENCY": "-1",
                "QWEN_DATASET_RETRY_UNKNOWN": "maybe",
                "QWEN_DATASET_RECIPE": "a b",
            },
        )
        told = sentences(resolved)
        assert len(told) == 22
        assert len({problem.setting for problem in resolved.problems}) == 22
        places = ("qwen-dataset.toml line", ".env line", "environment", "(--")
        assert [sum(place in sentence for sentence in told) for place in places] == [7, 4, 6, 5]
        with pytest.raises(SettingError) as caught:
            resolved.config()
        assert caught.value.problems == tuple(told)
        assert str(caught.value).splitlines() == told

    def test_a_sentence_says_what_where_and_what_it_must_be(self, look: Look) -> None:
        told = only(look(environ={"TEMPERATURE": "hot"}))
        assert told == "temperature is 'hot' (environment TEMPERATURE); it must be a number of at least 0 and below 2"
        assert only(look({"use_batch": "x"})).startswith("use_batch is 'x' (--batch); it must be true, false or auto")

    def test_what_is_not_needed_is_left_at_its_default(self, look: Look) -> None:
        resolved = look({"temperature": "9", "rounds": "7"}, environ={"TOP_P": "0"})
        assert resolved.config(needed=["rounds", "storage"]) == Config(rounds=7)
        with pytest.raises(SettingError) as caught:
            resolved.config(needed=["top_p"])
        assert len(caught.value.problems) == 1

    def test_what_a_later_place_overrules_does_not_count(self, look: Look) -> None:
        assert not look({"temperature": "1"}, toml="temperature = 9").problems

    def test_describe_shows_values_but_no_key(self, look: Look) -> None:
        resolved = look({"api_key": KEY, "use_batch": True})
        shown = {name: resolved.describe(name) for name in resolved.values}
        assert (shown["api_key"], shown["use_batch"], shown["job_name"]) == ("***", "true", "(not set)")
        assert (shown["temperature"], shown["output"]) == ("0.7", "quantum_instruction_dataset.jsonl")
        assert look().describe("api_key") == "(not set)"
        with pytest.raises(KeyError):
            resolved.describe("colour")


class TestKeys:
    """No key is shown, wherever it was put."""

    def test_a_key_that_cannot_be_used(self, look: Look) -> None:
        told = only(look(environ={"DASHSCOPE_API_KEY": f"{PLAIN_KEY} x"}))
        assert told.startswith("api_key cannot be used (environment DASHSCOPE_API_KEY); it must be")
        assert PLAIN_KEY not in told

    def test_a_key_in_place_of_another_value_or_name(self, look: Look) -> None:
        resolved = look(
            {"max_samples": f"x{PLAIN_KEY}x"},
            toml=f"model = 'x-{PLAIN_KEY}'\n'{PLAIN_KEY}' = 1\nregion = '{KEY}/'\nstorage = 'file:{KEY}'",
            environ={"QIANWEN_API_KEY": PLAIN_KEY, "DASHSCOPE_API_KEY": "the-other-key"},
        )
        told = "\n".join(sentences(resolved))
        assert len(resolved.problems) == 5
        assert "model holds an API key (qwen-dataset.toml line 1)" in told
        for text in (told, repr(resolved), *(resolved.describe(name) for name in resolved.values)):
            assert PLAIN_KEY not in text
            assert KEY not in text
            assert "the-other-key" not in text
        assert resolved.values["api_key"].value == "the-other-key"

    def test_a_key_that_is_a_setting_of_its_own(self, look: Look) -> None:
        with pytest.raises(SettingError, match="region holds an API key"):
            look(environ={"DASHSCOPE_API_KEY": "cn-beijing"}).config()

    def test_a_function_is_not_looked_at(self, look: Look) -> None:
        class Vault:
            def __call__(self) -> str:
                return KEY

            def __repr__(self) -> str:
                return f"Vault({KEY})"

        resolved = look({"api_key": Vault()})
        assert KEY not in repr(resolved)
        assert resolved.describe("api_key") == "***"
        assert resolved.config().current_key() == KEY


class TestLibrary:
    """``load_config`` and ``get_safe_config``."""

    def test_every_wrong_override_is_in_the_one_error(self, here: dict[str, str]) -> None:
        with pytest.raises(SettingError) as caught:
            load_config(temperature=3, top_p=0, backend="fake")
        assert [sentence.partition(";")[0] for sentence in caught.value.problems] == [
            "temperature is 3 (argument temperature)",
            "top_p is 0 (argument top_p)",
        ]

    def test_nobody_to_ask(self, here: dict[str, str]) -> None:
        with pytest.raises(SettingError) as caught:
            load_config(rounds=0)
        assert [sentence.partition(":")[0] for sentence in caught.value.problems][1:] == [
            "no backend is named and there is no key"
        ]
        assert "DASHSCOPE_API_KEY" in str(caught.value)
        assert "`fake`" in str(caught.value)

    @pytest.mark.parametrize("given", [{"api_key": ""}, {"backend": None}])
    def test_an_empty_key_is_none(self, given: dict[str, Any], here: dict[str, str]) -> None:
        with pytest.raises(SettingError, match="no backend is named"):
            load_config(**given)

    def test_a_wrong_key_is_not_a_missing_one(self, here: dict[str, str]) -> None:
        here["QIANWEN_API_KEY"] = "a b"
        with pytest.raises(SettingError) as caught:
            load_config()
        assert len(caught.value.problems) == 1

    def test_a_key_or_a_backend_is_enough(self, here: dict[str, str]) -> None:
        assert load_config(backend="fake").api_key is None
        assert load_config(api_key=lambda: "k").current_key() == "k"
        here["DASHSCOPE_API_KEY"] = KEY
        config = load_config(model="qwen-max", use_batch=None)
        assert (config.current_key(), config.qianwen_model, config.use_batch) == (KEY, "qwen-max", None)
        assert KEY not in f"{config}{config!r}"

    @pytest.mark.parametrize("kind", [str, Path])
    def test_a_named_file(self, kind: Callable[[str], Any], here: dict[str, str]) -> None:
        Path("mine.toml").write_text("backend = 'fake'\nrounds = 9")
        assert load_config(kind("mine.toml")).rounds == 9
        assert get_safe_config(kind("mine.toml")).rounds == 9
        with pytest.raises(SettingError, match="other.toml is not there"):
            load_config(kind("other.toml"))

    def test_the_safe_one_needs_no_key_and_has_none(self, here: dict[str, str]) -> None:
        assert get_safe_config() == Config()
        for key in (KEY, "not usable"):
            here["DASHSCOPE_API_KEY"] = key
            config = get_safe_config(max_samples=2)
            assert (config.api_key, config.current_key(), config.max_samples) == (None, None, 2)
        assert get_safe_config(api_key=KEY).api_key is None
        with pytest.raises(SettingError, match="temperature"):
            get_safe_config(temperature=3)

    @pytest.mark.parametrize("load", [load_config, get_safe_config])
    def test_no_variable_of_a_traceback_holds_the_key(self, load: Any, here: dict[str, str]) -> None:
        here["QIANWEN_API_KEY"] = PLAIN_KEY
        try:
            load(api_key=KEY, temperature=3)
        except SettingError as error:
            told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        ours = told.partition(sources.__file__)[2]
        assert "temperature is 3" in ours
        assert KEY not in ours
        assert PLAIN_KEY not in ours


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nobody is refused here")
def test_a_file_that_may_not_be_read(look: Look, tmp_path: Path) -> None:
    (tmp_path / "qwen-dataset.toml").touch(mode=0)
    assert only(look()) == "qwen-dataset.toml cannot be read: Permission denied"


def test_the_table_names_what_resolve_knows(look: Look) -> None:
    assert all(
        look({name: look().values[name].value}).values[name].value == by_name(name).default for name in look().values
    )


class TestContradictions:
    TOML = 'after = "6h"\nthinking_budget = 9\nuse_batch = false\nfinish = "realtime"'

    def test_all_of_them_are_told_where_all_settings_count(self, look: Look) -> None:
        with pytest.raises(SettingError) as caught:
            look(toml=self.TOML).config()
        assert [sentence.partition(" ")[0] for sentence in caught.value.problems] == ["thinking_budget", "finish"]

    def test_those_that_do_not_count_here_are_left_at_their_defaults(self, look: Look) -> None:
        config = look(toml=self.TOML).config(("finish", "after", "storage"))
        assert (config.finish, config.after, config.use_batch) == ("realtime", "6h", None)
        assert (config.thinking_budget, config.enable_thinking) == (None, False)

    def test_what_counts_is_told(self, look: Look) -> None:
        with pytest.raises(SettingError) as caught:
            look(toml=self.TOML).config(("finish", "use_batch", "storage"))
        assert [sentence.partition(" ")[0] for sentence in caught.value.problems] == ["finish"]

    def test_what_is_wrong_by_itself_contradicts_nothing(self, look: Look) -> None:
        with pytest.raises(SettingError) as caught:
            look(toml='enable_thinking = "maybe"\nthinking_budget = 9').config()
        assert [sentence.partition(" ")[0] for sentence in caught.value.problems] == ["enable_thinking"]

    def test_usable_is_what_is_left_of_them(self, look: Look) -> None:
        config = look(toml=f"{self.TOML}\nrounds = 0\nmodel = 'm'").usable()
        assert (config.model, config.rounds) == ("m", 3)
        assert (config.finish, config.use_batch, config.thinking_budget) == (None, None, None)

    def test_tables_of_the_file_and_json_of_a_variable(self, look: Look) -> None:
        resolved = look(
            toml='model = "m"\n[extra_body]\ntop_k = 20\n[extra_body.nested]\nx = 1',
            environ={"QWEN_DATASET_RESPONSE_FORMAT": '{"type": "object"}'},
        )
        config = resolved.config()
        assert config.extra_body == {"top_k": 20, "nested": {"x": 1}}
        assert config.parameters.response_format["json_schema"]["schema"] == {"type": "object"}  # type: ignore[index]
        assert resolved.values["extra_body"].source == "qwen-dataset.toml line 2"
        assert resolved.describe("extra_body") == '{"top_k": 20, "nested": {"x": 1}}'
