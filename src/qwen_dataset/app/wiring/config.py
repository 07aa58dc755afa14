"""Settings, checked: every problem of them is told at once."""

from __future__ import annotations

import attrs

from ...domain.inference import Parameters
from ...domain.recipes.base import RecipeOptions
from ...errors import SettingError
from ..engine.layout import is_job_name

LANGUAGES = ("auto", "zh", "en")
_MANY = 1_000_000
_DAY = 86_400.0


@attrs.frozen(kw_only=True)
class Config:
    """What a person may set. ``backend`` and ``storage`` are addresses (``fake:?seed=7``, ``file:batch_jobs``).

    ``rounds`` bounds the paid passes over what has no completion; ``poll_seconds`` is the first interval between polls.
    """

    backend: str | None = None
    storage: str = "file:batch_jobs"
    recipe: str = "instruct"
    model: str = "qwen-plus"
    max_samples: int = 4
    language: str = "auto"
    temperature: float = 0.7
    max_tokens: int = 2000
    top_p: float = 0.9
    job_name: str | None = None
    rounds: int = 3
    poll_seconds: float = 10.0

    def problems(self) -> list[str]:
        """Return one sentence for each setting that cannot be."""
        wrong = {
            f"max_samples is {self.max_samples}; it must be from 1 to {_MANY}": not 1 <= self.max_samples <= _MANY,
            f"language is {self.language!r}; it must be one of {', '.join(LANGUAGES)}": self.language not in LANGUAGES,
            f"temperature is {self.temperature}; it must be at least 0 and below 2": not 0 <= self.temperature < 2,
            f"max_tokens is {self.max_tokens}; it must be from 1 to {_MANY}": not 1 <= self.max_tokens <= _MANY,
            f"top_p is {self.top_p}; it must be above 0 and at most 1": not 0 < self.top_p <= 1,
            f"rounds is {self.rounds}; it must be from 1 to 100": not 1 <= self.rounds <= 100,
            f"poll is {self.poll_seconds} seconds; it must be above 0 and at most a day": not 0
            < self.poll_seconds
            <= _DAY,
            "model is empty; name a model such as qwen-plus": not self.model.strip(),
            f"job_name {self.job_name!r} cannot be a folder's name; use up to 80 letters, digits, '.', '_' and '-'": (
                self.job_name is not None and not is_job_name(self.job_name)
            ),
        }
        return [sentence for sentence, holds in wrong.items() if holds]

    def check(self) -> None:
        """Raise SettingError with every problem in it."""
        if problems := self.problems():
            raise SettingError("; ".join(problems))

    @property
    def parameters(self) -> Parameters:
        return Parameters(temperature=self.temperature, max_tokens=self.max_tokens, top_p=self.top_p)

    @property
    def options(self) -> RecipeOptions:
        return RecipeOptions(max_samples=self.max_samples, language=self.language)
