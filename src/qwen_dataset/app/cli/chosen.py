"""The settings that a command was given, with those of all other sources, and every problem of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from ...errors import SettingError
from ..wiring import plugins
from ..wiring.addresses import Address
from ..wiring.config import Config
from ..wiring.inputs import Name
from ..wiring.registry import Registry
from ..wiring.secrets import redact
from ..wiring.sources import Resolved, resolve
from . import language, session

# The settings that name a plugin, where it is looked up, and what says so if nobody offers it.
PLUGINS: Mapping[str, tuple[Registry, Callable[[str], object]]] = {
    "backend": (plugins.backends, plugins.open_backend),
    "storage": (plugins.storages, plugins.open_storage),
    "recipe": (plugins.recipes, plugins.recipe),
    "writer": (plugins.writers, plugins.output_format),
}


@attrs.frozen(kw_only=True)
class Chosen:
    """The settings given as options, and the config file that was named. ``needed``: those that count here.

    ``problems`` are contradictions among the options, told together with what is wrong with the settings.
    """

    arguments: Mapping[str, str | bool]
    path: Path | None
    needed: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def config(self, *, problems: Iterable[str] = (), **more: Any) -> Config:
        """Return the settings of all sources, ``more`` above them. Ends the process with every problem at once."""
        return self._checked(self._resolved(more), problems, more)

    def usable(self) -> tuple[Config, list[str]]:
        """Return the settings with what is wrong at its default, and every problem of them. Ends nothing."""
        resolved = self._resolved({})
        told = [*self.problems]
        try:
            resolved.config()
        except SettingError as error:
            told += error.problems
        # Whatever else is named is looked at by whoever tries it.
        told += unknown_names(resolved, ("recipe", "writer"))
        return resolved.usable(), told

    def config_for_job(self, *, problems: Iterable[str] = ()) -> Config:
        """Return the settings for a job that is there: it knows its own backend, and a default for new ones is none."""
        config = self.config(problems=problems)
        return config if "backend" in self.arguments else attrs.evolve(config, backend=None)

    def with_papers(self, papers: tuple[Name, ...]) -> tuple[Config, tuple[Name, ...]]:
        """Return the settings, and the papers that were named or the configured folder of papers."""
        clash = papers and "data_dir" in self.arguments
        resolved = self._resolved({})
        config = self._checked(resolved, ["name PAPERS or give --data-dir, not both"] if clash else [], {})
        if not papers and not config.data_dir.exists():
            source = resolved.values["data_dir"].source
            message = (
                f"the folder {config.data_dir} ({source}) does not exist; name papers, or their folder with --data-dir"
            )
            session.fail(message, session.BAD_INPUT)
        return config, papers or (config.data_dir,)

    def _resolved(self, more: Mapping[str, Any]) -> Resolved:
        resolved = resolve({**self.arguments, **more}, path=self.path)
        language.use(resolved.values["lang"].value)
        return resolved

    def _checked(self, resolved: Resolved, problems: Iterable[str], more: Iterable[str]) -> Config:
        needed = (*self.needed, *more)
        told = [*self.problems, *problems]
        try:
            config = resolved.config(needed)
        except SettingError as error:
            session.fail_all([*told, *error.problems, *unknown_names(resolved, needed)], session.BAD_INPUT)
        told += unknown_names(resolved, needed)
        if told:
            session.fail_all(told, session.BAD_INPUT)
        return config


def unknown_names(resolved: Resolved, needed: Iterable[str] = tuple(PLUGINS)) -> list[str]:
    """Return a sentence for each setting that names what nobody offers; imports and opens nothing."""
    key = resolved.values["api_key"].value
    secrets = [key] if isinstance(key, str) else []
    told = []
    for name in dict.fromkeys(needed):
        chosen = resolved.values[name]
        if name not in PLUGINS or chosen.value is None:
            continue
        registry, open_it = PLUGINS[name]
        try:
            scheme = Address.parse(chosen.value, setting=f"the {name}").scheme
            if scheme not in registry.rows and not registry.offered(scheme):
                open_it(chosen.value)
        except SettingError as error:
            told.append(redact(f"{error} ({chosen.source})", *secrets))
    return told
