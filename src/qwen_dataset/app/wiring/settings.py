"""Every setting there is, once: its name, default, meaning and what it may be.

``Config``, the files and variables it is read from, and the command line's options are all made from ``SETTINGS``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from ...domain.events import RetryUnknown
from ...errors import SettingError
from . import values
from .secrets import HIDDEN, holds_key, one_line, quoted

PREFIX = "QWEN_DATASET_"
"""With a setting's name in capitals behind it, the name of an environment variable."""

_LANGUAGES = ("auto", "zh", "en")
_MANY = 1_000_000


@attrs.frozen(kw_only=True)
class Setting:
    """One setting. A default of None means that it may be left unset.

    ``read`` makes its value of a text, of what TOML holds or of such a value itself; ``wanted`` says in words what it
    takes. ``familiar`` are environment variables besides the one with ``PREFIX``. ``flag`` is the command line's: two
    with a slash between them for a switch, None where there is no option: a key must not stand in a list of processes.
    """

    name: str
    read: Callable[[object], Any] = attrs.field(repr=False)
    wanted: str
    help: str
    default: Any = None
    familiar: tuple[str, ...] = ()
    flag: str | None = attrs.field()
    short: str | None = None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False

    @flag.default
    def _flag(self) -> str | None:
        return f"--{self.name.replace('_', '-')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that set it; the first one that is not empty counts."""
        return (f"{PREFIX}{self.name.upper()}", *self.familiar)

    def flag_for(self, value: object) -> str:
        """Return the flag with which a person chose a value, the setting's name where it has none."""
        on, _, off = (self.flag or self.name).partition("/")
        return off if off and value is False else on

    def check(self, value: object, *, source: str = "", secrets: Sequence[str] = ()) -> Any:
        """Return a value as ``Config`` holds it.

        Raises SettingError: one line with the value (but none of ``secrets``), where it came from, and what it must be.
        """
        if value is None and self.default is None:
            return None
        where = f" ({source})" if source else ""
        verdict = "cannot be used" if self.secret else f"is {quoted(value, *secrets)}"
        message = f"{self.name} {verdict}{where}; it must be {self.wanted}"
        with suppress(ValueError, TypeError, OSError, RuntimeError):
            found = self.read(value)
            if self.secret or not holds_key(str(found), *secrets):
                return found
            message = f"{self.name} holds an API key{where}, and is shown and stored; leave the key to api_key"
        # Raised out here, so that no frame that has read the value hangs on the error.
        raise SettingError(message)

    def shown(self, value: object) -> str:
        """Return a value on one line for a person to read; ``***`` for a key."""
        if value is None:
            return self.choices[0] if self.choices else "(not set)"
        if self.secret:
            return HIDDEN
        return one_line(str(value).lower() if isinstance(value, bool) else str(value))


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="api_key",
        read=values.key,
        wanted="a key without space inside and of ASCII characters only, or a function that returns one",
        help="The key of the service; better in the environment than in a file.",
        familiar=("DASHSCOPE_API_KEY", "QIANWEN_API_KEY"),
        flag=None,
        secret=True,
    ),
    Setting(
        name="backend",
        read=values.text,
        wanted="the name or address of a backend, such as fake or fake:?seed=7",
        help="Who answers, e.g. fake or fake:?mode=realtime&seed=7.",
        metavar="ADDRESS",
    ),
    Setting(
        name="base_url",
        read=values.url,
        wanted="an http or https URL with a host, without user, password, ? or #",
        help="Where the service is, if not where it usually is.",
        familiar=("QIANWEN_BASE_URL",),
        metavar="URL",
    ),
    Setting(
        name="region",
        read=values.region,
        wanted="letters, digits and '-', such as cn-beijing",
        help="The region of the service.",
        default="cn-beijing",
        metavar="NAME",
    ),
    Setting(
        name="model",
        read=values.word,
        wanted="the name of a model, such as qwen-plus, without space in it",
        help="The model to ask.",
        default="qwen-plus",
        familiar=("QIANWEN_MODEL",),
        metavar="NAME",
    ),
    Setting(
        name="use_batch",
        read=values.switch,
        wanted="true, false or auto (by the number of requests)",
        help="Ask in batches, at half the price, or one call at a time. Default: by the number of requests.",
        familiar=("USE_BATCH",),
        flag="--batch/--realtime",
        choices=("auto", "true", "false"),
    ),
    Setting(
        name="completion_window",
        read=values.window,
        wanted="a whole number of hours or days from 24h to 336h (1d to 14d)",
        help="How long a batch may take, 24h to 14d.",
        default="24h",
        familiar=("BATCH_COMPLETION_WINDOW",),
        metavar="TIME",
    ),
    Setting(
        name="data_dir",
        read=values.path,
        wanted="the path of a folder",
        help="The folder of papers to read where none are named.",
        default=Path("data"),
        familiar=("DATA_DIR",),
        metavar="DIR",
    ),
    Setting(
        name="output",
        read=values.path,
        wanted="the path of a file",
        help="The dataset file to write.",
        default=Path("quantum_instruction_dataset.jsonl"),
        familiar=("OUTPUT_FILE",),
        short="-o",
        metavar="FILE",
    ),
    Setting(
        name="storage",
        read=values.text,
        wanted="the address of a storage, such as file:batch_jobs",
        help="Where jobs are kept.",
        default="file:batch_jobs",
        metavar="ADDRESS",
    ),
    Setting(
        name="job_name",
        read=values.job_name,
        wanted="a name that can be a folder's: up to 80 letters, digits, '.', '_' and '-', a letter or digit first",
        help="The job's name. Default: made from the settings.",
        metavar="NAME",
    ),
    Setting(
        name="recipe",
        read=values.word,
        wanted="the name of a recipe, such as instruct",
        help="What to make of each passage.",
        default="instruct",
        metavar="NAME",
    ),
    Setting(
        name="language",
        read=values.choice(_LANGUAGES),
        wanted="auto, zh or en",
        help="The language of the samples; auto: the paper's.",
        default="auto",
        choices=_LANGUAGES,
    ),
    Setting(
        name="max_samples",
        read=values.whole(1, _MANY),
        wanted=f"a whole number from 1 to {_MANY}",
        help="Samples a paper, at most.",
        default=4,
        familiar=("MAX_SAMPLES_PER_PAPER",),
        metavar="N",
    ),
    Setting(
        name="temperature",
        read=values.number(lambda number: 0 <= number < 2),
        wanted="a number of at least 0 and below 2",
        help="How freely the model chooses its words.",
        default=0.7,
        familiar=("TEMPERATURE",),
        metavar="NUMBER",
    ),
    Setting(
        name="max_tokens",
        read=values.whole(1, _MANY),
        wanted=f"a whole number from 1 to {_MANY}",
        help="How long an answer may be.",
        default=2000,
        familiar=("MAX_TOKENS",),
        metavar="N",
    ),
    Setting(
        name="top_p",
        read=values.number(lambda number: 0 < number <= 1),
        wanted="a number above 0 and at most 1",
        help="The share of likely words to choose from.",
        default=0.9,
        familiar=("TOP_P",),
        metavar="NUMBER",
    ),
    Setting(
        name="concurrency",
        read=values.whole(1, 10_000),
        wanted="a whole number from 1 to 10000",
        help="Calls in flight at once. Default: the backend's own.",
        metavar="N",
    ),
    Setting(
        name="poll",
        read=values.number(lambda number: 0 < number <= 86_400),
        wanted="a number of seconds above 0 and at most 86400 (a day)",
        help="Seconds to the first poll.",
        default=10.0,
        metavar="SECONDS",
    ),
    Setting(
        name="rounds",
        read=values.whole(1, 100),
        wanted="a whole number from 1 to 100",
        help="How often to ask for what has no answer, at most.",
        default=3,
        metavar="N",
    ),
    Setting(
        name="retry_unknown",
        read=values.retry,
        wanted="auto, always or never",
        help="Send again what may have been paid; auto: realtime calls once.",
        default=RetryUnknown.AUTO,
        choices=tuple(each.value for each in RetryUnknown),
    ),
    Setting(
        name="writer",
        read=values.word,
        wanted="the name of an output format, such as jsonl",
        help="The format of the dataset file.",
        default="jsonl",
        flag=None,
    ),
    Setting(
        name="lang",
        read=values.choice(_LANGUAGES),
        wanted="auto, en or zh",
        help="The language of messages; auto: the terminal's.",
        default="auto",
        choices=_LANGUAGES,
    ),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def by_name(name: str) -> Setting:
    """Return the setting with this name. Raises KeyError."""
    return _BY_NAME[name]


def nearest(name: str) -> Setting | None:
    """Return the setting that a person may have meant by a name that no setting has."""
    import difflib  # noqa: PLC0415 - for mistakes only

    meant = {variable.lower(): setting for setting in SETTINGS for variable in setting.familiar} | _BY_NAME
    # Comparing a page of text would take long.
    plain = name[:60].lower().replace("-", "_").removeprefix(PREFIX.lower())
    found = difflib.get_close_matches(plain, meant, n=1)
    return meant[found[0]] if found else None
