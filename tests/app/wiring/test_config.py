from __future__ import annotations

import copy
import json
import math
import pickle
import subprocess
import sys
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.app.wiring.config import Config
from qwen_dataset.app.wiring.secrets import Secret
from qwen_dataset.app.wiring.settings import PREFIX, SETTINGS, by_name, nearest
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.recipes.base import RecipeOptions
from qwen_dataset.errors import SettingError

KEY = "sk-0123456789abcdef0123456789abcdef"
PLAIN_KEY = "geheim.4711-xyz"


def problems_of(**settings: Any) -> tuple[str, ...]:
    with pytest.raises(SettingError) as caught:
        Config(**settings)
    return caught.value.problems


def test_the_defaults_are_right() -> None:
    config = Config()
    assert attrs.asdict(config) == {
        "api_key": None,
        "backend": None,
        "base_url": None,
        "region": "cn-beijing",
        "model": "qwen-plus",
        "use_batch": None,
        "completion_window": "24h",
        "data_dir": Path("data"),
        "output": Path("quantum_instruction_dataset.jsonl"),
        "storage": "file:batch_jobs",
        "job_name": None,
        "recipe": "instruct",
        "language": "auto",
        "max_samples": 4,
        "passage_tokens": 512,
        "passage_overlap": 0,
        "temperature": 0.7,
        "max_tokens": 2000,
        "top_p": 0.9,
        "enable_thinking": False,
        "thinking_budget": None,
        "response_format": None,
        "extra_body": None,
        "concurrency": None,
        "poll": 10.0,
        "rounds": 3,
        "retry_unknown": RetryUnknown.AUTO,
        "finish": None,
        "after": None,
        "clean_remote": False,
        "max_cost": None,
        "pilot": None,
        "pilot_min_yield": None,
        "ask_above": Decimal(10),
        "writer": "jsonl",
        "prices": None,
        "read_timeout": 60.0,
        "read_memory": 2048,
        "read_size": 200.0,
        "read_processes": None,
        "lang": "auto",
    }
    parameters = config.parameters
    assert (parameters.temperature, parameters.max_tokens, parameters.top_p) == (0.7, 2000, 0.9)
    assert parameters.enable_thinking is False
    assert config.options == RecipeOptions()
    assert config.window_hours == 24
    assert config.current_key() is None


def test_the_table_and_the_fields_are_the_same() -> None:
    fields = attrs.fields_dict(Config)
    assert list(fields) == [setting.name for setting in SETTINGS]
    assert {name: field.default for name, field in fields.items()} == {s.name: s.default for s in SETTINGS}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("api_key", ["a b", "a\nb", "a\tb", "schlüssel", "a\x00b", 7, b"key", [], True]),
        ("backend", ["", "  ", 1, ["fake"]]),
        (
            "base_url",
            ["", "localhost", "ftp://host", "https://", "https://u:p@host", "https://u@host", "http://h/?a=1"],
        ),
        (
            "base_url",
            ["http://h/#a", "http://h\n.com", "http://h:x", "http://h:99999", "http://h:0", "http://[", "x" * 99],
        ),
        ("region", ["", "cn beijing", "-x", "cn/beijing", "host.com", "x" * 64, None, 1]),
        ("model", ["", "  ", "a b", "a\nb", "a\x1bb", "a\u3000b", "\ud800", None, 3]),
        ("use_batch", [1, 0, "2", "maybe", 1.0, []]),
        (
            "completion_window",
            ["", "24", "23h", "337h", "0d", "15d", "1.5d", "-1d", "1 d", "٢٤h", "9" * 99 + "h", 24, None],
        ),
        ("data_dir", ["", " ", "a\0b", "\ud800", 1, None, b"x", "~nobody-of-this-name/x"]),
        ("output", ["", "a\0b", {}]),
        ("storage", ["", None, 3]),
        ("job_name", ["a/b", "", "../x", ".hidden", "x" * 81, "a b", "a\nb", 7]),
        ("recipe", ["", "a b", None]),
        ("language", ["fr", "", None, 1]),
        ("max_samples", [0, -1, 10**6 + 1, 4.0, "4.0", "many", True, "", None, 10**5000, "9" * 5000, math.nan]),
        ("temperature", [-0.1, 2.0, math.nan, math.inf, "nan", "1e400", "hot", False, "", None, 10**400, [0.5]]),
        ("max_tokens", [0, 10**24]),
        ("top_p", [0.0, 1.1, math.nan, "-inf"]),
        ("enable_thinking", ["", "auto", "maybe", None, 1, []]),
        ("thinking_budget", [0, -1, 10**6 + 1, "much", True]),
        ("response_format", ["", "json", "xml", "a b.json", "[]", "{", "{}", "{]", 7, [], {}, {"a": 1}, {"type": "x"}]),
        ("response_format", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "n"}}]),
        ("response_format", ["no/such.json", "x\0.json", {"enum": [math.nan]}, {"enum": {1: 2}}, '{"enum": NaN}']),
        ("extra_body", ["", "top_k", "[1]", "{", [], 7, {"a": math.inf}, {1: 2}, {"a": {1}}, {"a": 2**70}]),
        ("extra_body", [{"messages": []}, {"Model": "m"}, '{"stream": true}', {"api_key": "k"}, {"n": 2}]),
        ("extra_body", [{"enable_thinking": True}, {"temperature": 0}, {"response_format": {}}]),
        ("finish", ["", "batch", True, 1]),
        ("after", ["", "now", "29m", "337h", "15d", "6", "1.5h", "6 h", True, 6]),
        ("clean_remote", ["", "auto", None, 2]),
        ("concurrency", [0, 10_001, "auto", 2.5]),
        ("poll", [0.0, -1.0, math.nan, math.inf, 86401.0]),
        ("rounds", [0, 101]),
        ("retry_unknown", ["", "sometimes", None, True]),
        ("writer", ["", "a b"]),
        ("read_timeout", [0, -1, math.nan, 86_401, "long"]),
        ("read_memory", [0, 255, 2048.5, "much"]),
        ("read_size", [0, -1, math.inf, 100_001]),
        ("read_processes", [-1, 1001, "all", 1.5]),
        ("lang", ["fr", ""]),
    ],
)
def test_what_cannot_be_is_one_line_that_names_it(name: str, values: list[Any]) -> None:
    for value in values:
        (sentence,) = problems_of(**{name: value})
        assert sentence.startswith(f"{name} ")
        assert sentence.isprintable()
        assert by_name(name).wanted in sentence


@pytest.mark.parametrize(
    ("name", "given", "held"),
    [
        ("api_key", f" {KEY}\n", KEY),
        ("api_key", "  ", None),
        ("backend", " fake:?seed=7 ", "fake:?seed=7"),
        ("base_url", "http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("base_url", "https://[::1]:1/", "https://[::1]:1/"),
        ("use_batch", "YES", True),
        ("use_batch", "1", True),
        ("use_batch", "On", True),
        ("use_batch", "true", True),
        ("use_batch", "no", False),
        ("use_batch", "0", False),
        ("use_batch", "off", False),
        ("use_batch", " False ", False),
        ("use_batch", "Auto", None),
        ("use_batch", "", None),
        ("completion_window", "336H", "336h"),
        ("completion_window", "14d", "14d"),
        ("data_dir", "papers", Path("papers")),
        ("data_dir", Path("papers"), Path("papers")),
        ("output", "~", Path.home()),
        ("job_name", "量子-1.x_y", "量子-1.x_y"),
        ("job_name", "x" * 80, "x" * 80),
        ("language", "ZH", "zh"),
        ("max_samples", "1000000", 1_000_000),
        ("max_samples", 1, 1),
        ("temperature", "0", 0.0),
        ("temperature", 1, 1.0),
        ("temperature", 1.999, 1.999),
        ("top_p", " 1 ", 1.0),
        ("concurrency", "10000", 10_000),
        ("concurrency", None, None),
        ("poll", 86_400, 86_400.0),
        ("rounds", 100, 100),
        ("retry_unknown", "Never", RetryUnknown.NEVER),
        ("enable_thinking", "Yes", True),
        ("enable_thinking", False, False),
        ("thinking_budget", None, None),
        ("response_format", "JSON_object", {"type": "json_object"}),
        ("response_format", {"type": "json_object"}, {"type": "json_object"}),
        ("extra_body", '{"top_k": 20, "stop": ["。"]}', {"top_k": 20, "stop": ["。"]}),
        ("extra_body", {"chat_template_kwargs": {"a": None}}, {"chat_template_kwargs": {"a": None}}),
        ("extra_body", {}, None),
        ("finish", "Realtime", "realtime"),
        ("finish", "no", None),
        ("clean_remote", "on", True),
        ("lang", "en", "en"),
    ],
)
def test_text_becomes_the_value(name: str, given: Any, held: Any) -> None:
    value = getattr(Config(**{name: given}), name)
    assert value == held
    assert type(value) in {type(held), Secret}


def test_numbers_have_their_own_type() -> None:
    assert isinstance(Config(temperature=1).temperature, float)
    assert isinstance(Config(max_samples="3").max_samples, int)  # type: ignore[arg-type]


@pytest.mark.parametrize(("window", "hours"), [("24h", 24), ("1d", 24), ("36h", 36), ("14d", 336), ("336h", 336)])
def test_a_window_in_hours(window: str, hours: int) -> None:
    assert Config(completion_window=window).window_hours == hours


SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
WRAPPED = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


def test_a_schema_becomes_a_response_format_wherever_it_stands(tmp_path: Path) -> None:
    text = json.dumps(SCHEMA)
    (tmp_path / "a schema.JSON").write_text("\ufeff" + text, encoding="utf-8")
    for given in (SCHEMA, f" {text} ", str(tmp_path / "a schema.JSON"), tmp_path / "a schema.JSON", WRAPPED):
        config = Config(response_format=given)
        assert config.response_format == WRAPPED
        assert config.parameters.response_format == WRAPPED
    assert Config(response_format={"anyOf": []}).response_format != WRAPPED


def test_what_a_person_gave_can_be_changed_afterwards() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    config = Config(response_format=schema)
    schema["properties"]["late"] = {}
    assert "late" not in str(config.response_format)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "that file cannot be read: No such file or directory"),
        (b"{", "that is no JSON object"),
        (b"\xff", "that is no JSON object"),
        (b"[1]", "that is no JSON object"),
        (b'{"a": 1}', "that is no JSON schema"),
        (b'{"type": "json_schema", "json_schema": {}}', "its json_schema holds no schema"),
        (b" " * 1_000_001, "that file is larger than 1000000 bytes"),
        (b"[" * 5000, "that is no JSON object"),
    ],
)
def test_it_is_told_what_is_wrong_with_a_file_of_a_schema(
    content: bytes | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("s.json").write_bytes(content)
    (sentence,) = problems_of(response_format="s.json")
    assert f"s.json': {why}; it must be json_object, a JSON schema, or" in sentence


def test_what_cannot_stand_in_the_extra_body_is_named() -> None:
    (sentence,) = problems_of(extra_body={"top_k": 1, "Messages": []})
    assert sentence == (
        "extra_body is a table: messages cannot stand in it; it must be a table or a JSON object of what else a request"
        " holds, such as top_k"
    )
    (sentence,) = problems_of(extra_body={"user": KEY})
    assert sentence == "extra_body holds an API key, and is shown and stored; leave the key to api_key"


def test_what_changes_answers_goes_into_each_request_and_the_rest_does_not() -> None:
    config = Config(enable_thinking=True, thinking_budget=500, extra_body={"top_k": 2}, use_batch=True)
    parameters = config.parameters
    assert (parameters.enable_thinking, parameters.thinking_budget) == (True, 500)
    assert parameters.extra_body == {"top_k": 2}
    assert Config().parameters.extra_body == {}
    assert attrs.evolve(config, finish="realtime", after="6h", clean_remote=True).parameters == parameters
    assert len({config, attrs.evolve(config)}) == 1


@pytest.mark.parametrize(
    ("after", "seconds"), [("30m", 1800), ("6h", 21_600), ("2D", 172_800), ("336h", 1_209_600), ("stalled", None)]
)
def test_when_stragglers_are_finished_otherwise_in_seconds(after: str, seconds: float | None) -> None:
    assert Config(finish="realtime", after=after).after_seconds == seconds
    assert Config(finish="realtime").after_seconds is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"thinking_budget": 9},
            "thinking_budget is set, and enable_thinking is not; set enable_thinking (--thinking)",
        ),
        (
            {"after": "6h"},
            "after is set, and finish is not; set finish (--finish realtime) as well, or leave after out",
        ),
        ({"finish": "realtime", "use_batch": False}, "finish is for batches, and everything is asked in realtime"),
    ],
)
def test_what_contradicts_itself_is_told(settings: dict[str, Any], sentence: str) -> None:
    (told,) = problems_of(**settings)
    assert told.startswith(sentence)
    assert problems_of(**settings, rounds=0) == (problems_of(rounds=0)[0], told)


def test_of_a_wrong_setting_it_is_not_told_that_it_does_not_fit_another() -> None:
    assert len(problems_of(thinking_budget=9, enable_thinking="maybe")) == 1
    assert len(problems_of(after="6h", finish="later")) == 1
    assert len(problems_of(after="later")) == 1


def test_every_problem_is_told_at_once() -> None:
    told = problems_of(max_samples=0, temperature=9.0, language="xx", api_key="a b", backend="")
    assert [sentence.split()[0] for sentence in told] == [
        "api_key",
        "backend",
        "language",
        "max_samples",
        "temperature",
    ]
    assert told[-1] == "temperature is 9.0; it must be a number of at least 0 and below 2"


def test_the_error_reads_line_by_line() -> None:
    with pytest.raises(SettingError) as caught:
        Config(rounds=0, lang="xx")
    assert str(caught.value).splitlines() == list(caught.value.problems)


def test_familiar_names_stay_readable() -> None:
    config = Config(
        api_key=KEY,
        model="m",
        base_url="http://h",
        completion_window="2d",
        max_samples=7,
        output=Path("o"),
        use_batch=True,
    )
    assert config.qianwen_api_key == config.dashscope_api_key == KEY
    assert (config.qianwen_model, config.qianwen_base_url) == ("m", "http://h")
    assert (config.batch_completion_window, config.max_samples_per_paper, config.output_file) == ("2d", 7, Path("o"))
    with pytest.raises(AttributeError):
        config.qianwen_model = "x"  # type: ignore[misc]


def test_it_is_changed_by_evolve_copied_and_pickled() -> None:
    config = Config(api_key=KEY, output="o.jsonl", retry_unknown="always", use_batch="no", completion_window="2D")  # type: ignore[arg-type]
    changed = attrs.evolve(config, temperature=0.1)
    assert changed.temperature == 0.1
    assert attrs.evolve(changed, temperature=0.7) == config
    assert copy.copy(config) == copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config
    assert hash(changed) != hash(config)
    with pytest.raises(SettingError, match="temperature"):
        attrs.evolve(config, temperature=2)


class TestKeys:
    """No key is ever shown."""

    @pytest.mark.parametrize("key", [KEY, PLAIN_KEY, lambda: KEY])
    def test_not_when_the_settings_are_printed(self, key: Any) -> None:
        config = Config(api_key=key)
        for text in (repr(config), str(config), f"{config}", repr([config]), repr(attrs.asdict(config))):
            assert KEY not in text
            assert PLAIN_KEY not in text

    def test_not_when_it_cannot_be_used(self) -> None:
        (sentence,) = problems_of(api_key=f"{PLAIN_KEY}\n{KEY}")
        assert sentence.startswith("api_key cannot be used; it must be a key without space")
        assert PLAIN_KEY not in sentence
        assert KEY not in sentence

    @pytest.mark.parametrize("key", [KEY, PLAIN_KEY])
    def test_not_when_it_stands_in_the_wrong_place(self, key: str) -> None:
        told = problems_of(api_key=key, model=f"{key} x", region=f"-{key}", language=key, concurrency=key)
        assert len(told) == 4
        assert key not in "".join(told)

    @pytest.mark.parametrize(
        "place", ["model", "storage", "backend", "job_name", "output", "data_dir", "base_url", "recipe", "writer"]
    )
    def test_it_may_not_stand_where_it_would_be_stored(self, place: str) -> None:
        front = "http://" if place == "base_url" else "x-"
        for settings in ({"api_key": PLAIN_KEY, place: front + PLAIN_KEY}, {place: front + KEY}):
            (sentence,) = problems_of(**settings)
            assert sentence == f"{place} holds an API key, and is shown and stored; leave the key to api_key"

    def test_a_stand_in_is_no_key(self) -> None:
        assert Config(api_key="fake", backend="fake:").backend == "fake:"

    def test_the_key_of_today_is_asked_for_each_time(self) -> None:
        keys = iter(["first", " second\n"])
        config = Config(api_key=lambda: next(keys))
        assert [config.current_key(), config.current_key()] == ["first", "second"]
        assert Config(api_key=KEY).current_key() == KEY
        assert repr(Config(api_key=lambda: KEY).current_key()) == "'***'"

    @pytest.mark.parametrize("returned", [None, "", "  ", 7, b"key", [KEY]])
    def test_a_function_that_returns_no_key(self, returned: Any) -> None:
        with pytest.raises(SettingError, match="the function given as api_key returned no key; it must be"):
            Config(api_key=lambda: returned).current_key()

    def test_a_function_that_returns_what_cannot_be_sent(self) -> None:
        with pytest.raises(SettingError, match=r"api_key cannot be used \(returned by its function\)") as caught:
            Config(api_key=lambda: f"{PLAIN_KEY} {KEY}").current_key()
        self.silent(caught.value)

    def test_a_function_that_raises(self) -> None:
        def rotate() -> str:
            key = KEY
            message = f"the vault refused {key} and {PLAIN_KEY}"
            raise ValueError(message)

        with pytest.raises(SettingError, match="the function given as api_key raised ValueError; it must be") as caught:
            Config(api_key=rotate).current_key()
        self.silent(caught.value)

    def test_a_function_that_is_async(self) -> None:
        async def rotate() -> str:
            return KEY

        with pytest.raises(SettingError, match="is an async one"):
            Config(api_key=rotate).current_key()  # type: ignore[arg-type]

    def silent(self, error: BaseException) -> None:
        """Nothing of the key hangs on an error, also where the variables of all frames are printed."""
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        # This test's own frame knows the key.
        ours = [line for line in told.splitlines() if "lambda" not in line]
        assert KEY not in "".join(ours)
        assert PLAIN_KEY not in "".join(ours)
        assert error.__context__ is None


class TestTable:
    """What others make of the settings."""

    def test_variables_flags_and_words_are_each_of_one_setting(self) -> None:
        variables = [variable for setting in SETTINGS for variable in setting.variables]
        flags = [setting.flag for setting in SETTINGS if setting.flag]
        assert len(set(variables)) == len(variables)
        assert len(set(flags)) == len(flags)
        for setting in SETTINGS:
            assert setting.variables[0] == PREFIX + setting.name.upper()
            assert setting.help.endswith(".")
            assert len(setting.help) <= 100

    def test_familiar_variables(self) -> None:
        assert {setting.name: setting.familiar for setting in SETTINGS if setting.familiar} == {
            "api_key": ("DASHSCOPE_API_KEY", "QIANWEN_API_KEY"),
            "base_url": ("QIANWEN_BASE_URL",),
            "model": ("QIANWEN_MODEL",),
            "use_batch": ("USE_BATCH",),
            "completion_window": ("BATCH_COMPLETION_WINDOW",),
            "data_dir": ("DATA_DIR",),
            "output": ("OUTPUT_FILE",),
            "max_samples": ("MAX_SAMPLES_PER_PAPER",),
            "temperature": ("TEMPERATURE",),
            "max_tokens": ("MAX_TOKENS",),
            "top_p": ("TOP_P",),
        }

    def test_flags(self) -> None:
        assert by_name("max_samples").flag == "--max-samples"
        assert (by_name("output").flag, by_name("output").short) == ("--output", "-o")
        assert by_name("api_key").flag is None, "other people of the machine see a process's arguments"
        switch = by_name("use_batch")
        assert [switch.flag_for(value) for value in (True, False, "auto")] == ["--batch", "--realtime", "--batch"]
        assert by_name("api_key").flag_for("x") == "api_key"

    def test_what_is_shown_reads_back(self) -> None:
        for setting in SETTINGS:
            if not setting.secret and setting.default is not None:
                assert setting.check(setting.shown(setting.default)) == setting.default
        assert [by_name("use_batch").shown(value) for value in (None, True, False)] == ["auto", "true", "false"]
        assert by_name("retry_unknown").shown(RetryUnknown.NEVER) == "never"
        assert by_name("backend").shown(None) == "(not set)"
        assert by_name("output").shown(Path("a\nb")) == r"a\nb"

    def test_a_key_is_shown_as_stars(self) -> None:
        assert by_name("api_key").shown(Secret("x")) == "***"
        assert by_name("api_key").shown(None) == "(not set)"

    def test_only_names_of_settings_are_known(self) -> None:
        with pytest.raises(KeyError):
            by_name("colour")

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("modle", "model"),
            ("Max-Samples", "max_samples"),
            ("QWEN_DATASET_TEMPRATURE", "temperature"),
            ("qianwen_model", "model"),
            ("max_samples_per_paper", "max_samples"),
            ("poll_seconds", None),
            ("zzz", None),
            pytest.param("x" * 10**6, None, id="a page"),
            ("", None),
        ],
    )
    def test_a_mistyped_name_is_understood(self, name: str, meant: str | None) -> None:
        found = nearest(name)
        assert (found and found.name) == meant


def test_loading_it_loads_nothing_heavy() -> None:
    heavy = ("attrs", "orjson", "cattrs", "click", "dotenv", "rich", "yaml", "openai", "dashscope")
    program = (
        "import sys, qwen_dataset.app.wiring.config, qwen_dataset.app.wiring.sources\n"
        f"print(*[m for m in {heavy} if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["attrs"]
