"""The settings that shape each answer: what a request holds besides its model and its messages."""

from __future__ import annotations

from . import body_values, values
from .setting import Setting

_MANY = 1_000_000

ANSWERS: tuple[Setting, ...] = (
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
        name="enable_thinking",
        read=values.yes_no,
        wanted="true or false",
        help="Let the model think first; billed as output.",
        default=False,
        flag="--thinking/--no-thinking",
    ),
    Setting(
        name="thinking_budget",
        read=values.whole(1, _MANY),
        wanted=f"a whole number from 1 to {_MANY}",
        help="How many tokens it may think. Default: the model's own bound.",
        flag=None,
    ),
    Setting(
        name="response_format",
        read=body_values.response_format,
        wanted="json_object, a JSON schema, or the path of a .json file that holds one",
        help="The form of every answer: json_object, or a JSON schema (a table, JSON text or a .json file).",
        flag=None,
    ),
    Setting(
        name="extra_body",
        read=body_values.extra_body,
        wanted="a table or a JSON object of what else a request holds, such as top_k",
        help="What else goes into the body of every request: a table, or JSON text.",
        flag=None,
    ),
)
