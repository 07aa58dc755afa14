"""One call, whatever its form: refused, or answered and paid."""

from __future__ import annotations

from typing import Any

from .answers import Answer, answer_to, fault_of
from .errors import ABORTED_JSON, Page, Refusal, bad_request, refusal
from .hashes import request_hash
from .world import World


async def answered(world: World, body: dict[str, Any], *, seconds: float, error: str | None) -> tuple[Answer, bool]:
    """Answer a (compatible) body and bill it. Raises ``Refusal``, and then nothing is billed, but for a bare 502.

    ``error`` is the fault by which an error stands inside a reply of status 200: then True is returned too, and nothing
    is billed either.
    """
    what = request_hash(body)
    why = fault_of(body, world.settings) or _refused(world, body, what)
    if why is not None:
        raise why
    broken = error is not None and world.hits(error, what)
    answer = answer_to(body, world.settings)
    if not broken:
        world.ledger.pay_call(what, (answer.prompt_tokens, answer.completion_tokens))
    await world.clock.sleep(seconds)
    if not broken and world.hits("bare_502", what):
        raise Page(502, "Bad Gateway")
    return answer, broken


def _refused(world: World, body: dict[str, Any], what: str) -> Refusal | None:
    if world.hits("bare_503", what):
        return Page(503, "Service Unavailable")
    if world.faults.marks("inspect", what):
        world.ledger.faults["inspect"] += 1
        return refusal("data_inspection_failed")
    if world.hits("fail", what):
        codes = world.settings.fail_codes or ("internal_error",)
        return refusal(world.faults.pick(codes, "code", what))
    if "response_format" in body and world.hits("abort_json", what):
        return bad_request(ABORTED_JSON)
    return None
