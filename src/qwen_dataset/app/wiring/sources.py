"""Where settings come from: defaults, a TOML file, ``.env``, the environment, arguments. What comes later wins."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ...errors import SettingError
from .config import NOBODY_TO_ASK, Config
from .secrets import HIDDEN, Secret, one_line, quoted, real_keys, redact
from .setting_files import read_dotenv, read_toml
from .settings import PREFIX, SETTINGS, by_name, contradictions, nearest

TOML_FILE = "qwen-dataset.toml"
"""The file of settings that is read from the current folder where no other one is named."""

_DOTENV = ".env"
_NAMES = frozenset(setting.name for setting in SETTINGS)
_SECRETS = tuple(setting for setting in SETTINGS if setting.secret)
_VARIABLES = frozenset(variable for setting in SETTINGS for variable in setting.variables)


def _without_keys(value: object) -> str:
    # A function that returns keys may show one in its own repr.
    return HIDDEN if callable(value) else redact(repr(value))


@attrs.frozen
class Chosen:
    """A value, and where it came from: ``qwen-dataset.toml line 3``, ``environment QIANWEN_MODEL``, ``--model``."""

    value: Any = attrs.field(repr=_without_keys)
    source: str


@attrs.frozen
class Problem:
    """One line about what is wrong, and the setting; None where it is about a file or a name that no setting has.

    ``found`` is the value that cannot be used, as a person may see it, and where it came from.
    """

    setting: str | None
    sentence: str
    found: Chosen | None = None


@attrs.frozen
class Resolved:
    """All settings with their sources, and all problems. A setting that has a problem is at its default."""

    values: Mapping[str, Chosen]
    problems: tuple[Problem, ...]

    def describe(self, name: str) -> str:
        """Return a setting's value as a person may see it: ``***`` for a key. Raises KeyError."""
        return by_name(name).shown(self.values[name].value)

    def config(self, needed: Collection[str] | None = None) -> Config:
        """Return the settings. Raises SettingError with all problems of files, names and the ``needed`` settings.

        ``needed`` of None means all of them; what is wrong but not needed is left at its default.
        """
        told = [p.sentence for p in self.problems if p.setting is None or needed is None or p.setting in needed]
        config = None
        try:
            config = Config(**self._fitting(needed))
        except SettingError as error:
            told += error.problems
        if config is None or told:
            raise SettingError.of(told)
        return config

    def usable(self) -> Config:
        """Return the settings with whatever is wrong left at its default."""
        return Config(**self._fitting(()))

    def _fitting(self, needed: Collection[str] | None) -> dict[str, Any]:
        """Return the values. Of those that contradict each other the ones that are not needed are left at defaults."""
        values = {name: chosen.value for name, chosen in self.values.items()}
        wrong = {problem.setting for problem in self.problems}
        for each in contradictions(values):
            if each.settings & wrong:
                # That is told, and nothing is known of how it would fit.
                loose = each.settings
            else:
                loose = each.settings - set(_NAMES if needed is None else needed)
            # In place, and so seen by what comes next: a time to finish at needs a way to finish.
            values |= {name: by_name(name).default for name in loose}
        return values


_NOBODY_TO_ASK = Problem("api_key", NOBODY_TO_ASK)


def load_config(path: str | os.PathLike[str] | None = None, **overrides: Any) -> Config:
    """Return the settings of this folder and environment. Spends nothing.

    ``overrides`` go by the names of ``Config``'s fields; None stands for "not given". ``path`` names another file than
    ``qwen-dataset.toml``. Raises SettingError with all problems at once, also where no backend is named and there is no
    key.
    """
    overrides = _hidden(overrides)
    resolved = _resolve_call(path, overrides)
    wrong = {problem.setting for problem in resolved.problems}
    if all(resolved.values[name].value is None and name not in wrong for name in ("api_key", "backend")):
        resolved = attrs.evolve(resolved, problems=(*resolved.problems, _NOBODY_TO_ASK))
    return resolved.config()


def get_safe_config(path: str | os.PathLike[str] | None = None, **overrides: Any) -> Config:
    """Return the settings as ``load_config`` does, but without a key: ``api_key`` is None, whatever is set.

    Raises SettingError for everything else that is wrong. Spends nothing.
    """
    overrides = _hidden(overrides)
    resolved = _resolve_call(path, overrides)
    secrets = {setting.name: Chosen(None, "default") for setting in _SECRETS}
    return attrs.evolve(resolved, values={**resolved.values, **secrets}).config(_NAMES - secrets.keys())


def resolve(
    arguments: Mapping[str, Any] | None = None,
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    library: bool = False,
) -> Resolved:
    """Look every setting up. What is wrong is not raised, it stands among the problems.

    ``arguments`` are texts or values by the settings' names, None for what was not given; they are the command line's,
    with ``library`` those of a call. ``path`` names another file than ``qwen-dataset.toml``, and must exist.
    ``environ`` and ``folder`` are the process's own where they are not given.
    """
    environ = os.environ if environ is None else environ
    folder = folder or Path()
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    toml_name = TOML_FILE if path is None else one_line(str(path))
    toml = read_toml(folder / (TOML_FILE if path is None else path), toml_name, must_exist=path is not None)
    dotenv = read_dotenv(folder / _DOTENV, environ)
    layers = (
        {name: Chosen(value, toml.places[name]) for name, value in toml.values.items()},
        _from_variables(dotenv.values, dotenv.places.__getitem__),
        _from_variables(environ, lambda _: "environment"),
        {name: Chosen(value, _argument(name, value, library=library)) for name, value in given.items()},
    )
    secrets = list(_secrets(values=(toml.values, given), variables=(dotenv.values, environ)))
    problems = [Problem(None, sentence) for sentence in (*toml.problems, *dotenv.problems)]
    for layer in layers:
        unknown = ((name, found) for name, found in layer.items() if name not in _NAMES)
        problems += (Problem(None, _unknown(name, found, secrets)) for name, found in unknown)
    values = _choose(layers, problems, secrets)
    keys = real_keys(secrets)
    return Resolved(values, tuple(attrs.evolve(each, sentence=redact(each.sentence, *keys)) for each in problems))


_Layer = Mapping[str, Chosen]


def _choose(layers: Sequence[_Layer], problems: list[Problem], secrets: Sequence[str]) -> dict[str, Chosen]:
    """Return each setting as the last layer has it that has it; a value that is wrong becomes a problem instead."""
    values = {}
    for setting in SETTINGS:
        values[setting.name] = Chosen(setting.default, "default")
        found = [layer[setting.name] for layer in layers if setting.name in layer]
        if not found:
            continue
        source = found[-1].source
        try:
            value = setting.check(found[-1].value, source=source, secrets=secrets)
        except SettingError as error:
            shown = redact(quoted(found[-1].value, *secrets))
            # What holds a key is not shown around it either.
            shown = HIDDEN if setting.secret or HIDDEN in shown else shown
            problems.append(Problem(setting.name, str(error), Chosen(shown, source)))
        else:
            values[setting.name] = Chosen(value, source)
    return values


def _from_variables(variables: Mapping[str, str], place: Callable[[str], str]) -> _Layer:
    """Return what variables set. Other people's are passed over; ours that set nothing go by their own name."""
    layer = {}
    for setting in SETTINGS:
        # An empty variable is how a shell or a container leaves one out.
        filled = (name for name in setting.variables if variables.get(name, "").strip())
        if variable := next(filled, None):
            layer[setting.name] = Chosen(variables[variable], f"{place(variable)} {variable}")
    for variable in sorted(variables):
        if variable.startswith(PREFIX) and variable not in _VARIABLES and variables[variable].strip():
            layer[variable] = Chosen(variables[variable], place(variable))
    return layer


def _argument(name: str, value: object, *, library: bool) -> str:
    if name not in _NAMES:
        return "argument"
    return f"argument {name}" if library else by_name(name).flag_for(value)


def _secrets(*, values: Sequence[Mapping[str, Any]], variables: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield every key that stands anywhere, also one that is not chosen or cannot be used."""
    for setting in _SECRETS:
        found = [table.get(setting.name) for table in values]
        found += [table.get(variable) for table in variables for variable in setting.variables]
        for secret in found:
            if isinstance(secret, str) and secret.strip():
                yield from (secret, secret.strip())


def _unknown(name: str, found: Chosen, secrets: Sequence[str]) -> str:
    where = f"there is no setting {quoted(name, *secrets)} ({found.source})"
    if isinstance(found.value, Mapping):
        return f"{where}; settings stand at the top of the file, one `name = value` a line, in no [table]"
    meant = nearest(name)
    if meant is None:
        return f"{where}; known: {', '.join(setting.name for setting in SETTINGS)}"
    return f"{where}; did you mean {meant.variables[0] if name.startswith(PREFIX) else meant.name}?"


def _hidden(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments whose keys a traceback with variables in it does not show."""
    secrets = {setting.name for setting in _SECRETS}
    return {n: Secret(value) if n in secrets and isinstance(value, str) else value for n, value in arguments.items()}


def _resolve_call(path: str | os.PathLike[str] | None, overrides: Mapping[str, Any]) -> Resolved:
    return resolve(overrides, path=None if path is None else Path(path), library=True)
