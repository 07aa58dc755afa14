"""What a run did and what it is about to do, in sentences for a person."""

from __future__ import annotations

from ...domain.jobs import Way
from ...domain.pricing import money
from ..api.reports import Forecast, PilotReport, Report, Route
from ..dataset.sums import Sums
from ..engine.finishing import STALLED_SECONDS
from ..wiring.bootstrap import BATCH_ABOVE
from ..wiring.config import Config
from ..wiring.corpus import ReadReport
from .columns import one_line
from .plan_lines import LABEL


def describe_reading(report: ReadReport) -> list[str]:
    """Return what a person should know of the reading, a sentence each."""
    sentences = [f"not read: {one_line(note)}" for note in report.unread_notes]
    if report.unread > len(report.unread_notes):
        sentences.append(f"… and {report.unread - len(report.unread_notes)} more that could not be read")
    sentences += [f"read once: {one_line(note)}" for note in report.repeated_notes]
    sentences += [f"note: {one_line(note)}" for note in report.alike_notes]
    counts = [f"{report.papers} papers read"]
    if report.unread:
        counts.append(f"{report.unread} not read")
    if report.repeated:
        counts.append(f"{report.repeated} repeated")
    if report.ignored:
        counts.append(f"{report.ignored} other files ignored")
    return [*sentences, ", ".join(counts)]


def describe_route(route: Route) -> list[str]:
    """Return how and where requests go, and why so, a sentence each."""
    batch = route.way is Way.BATCH
    sentences = []
    if route.by_size and batch:
        sentences.append(
            f"more than {BATCH_ABOVE} requests go as a batch, at half the price; --realtime asks one by one"
        )
    elif route.by_size:
        sentences.append(
            f"up to {BATCH_ABOVE} requests go one by one, in realtime; --batch sends them at half the price"
        )
    how = "as a batch" if batch else "one by one"
    return [*sentences, f"requests for {route.model} go {how} to: {route.destination or route.backend}"]


def describe_cost(forecast: Forecast) -> list[tuple[str, int]]:
    """Return what a new job will cost, in the form of ``figures``; nothing where none is paid and no price is known."""
    cost = forecast.cost
    if cost is None or forecast.likely is None:
        if forecast.is_play:
            return []
        if cost is not None and cost.least is not None:
            least, bound = money(cost.least, forecast.currency), unset_bound(forecast)
            return [(f"cost        at least {least}", 0), (f"how much it writes is not known: set {bound}", LABEL)]
        return [(f"cost        not known: no list has a price of {forecast.plan.model} there", 0)]
    likely = money(forecast.likely, forecast.currency)
    amount = f"about {likely}"
    if cost.most is not None:
        amount = f"about {likely}, at most {money(cost.most, forecast.currency)}"
    told = [(f"cost        {amount}", 0)]
    return [*told, ("at list prices; nothing is paid here", LABEL)] if forecast.is_play else told


def unset_bound(forecast: Forecast) -> str:
    """Return the setting that bounds what a job costs, where nobody knows how much is written."""
    return "thinking_budget" if forecast.plan.thinking else "max_tokens"


def describe_pilot(pilot: PilotReport) -> list[str]:
    """Return what a pilot gave, a sentence each."""
    usage, answers = pilot.usage, max(1, pilot.completions)
    answered, samples, rejects = pilot.completions, pilot.samples, pilot.rejects
    read, written = round(usage.prompt_tokens / answers), round(usage.completion_tokens / answers)
    sentences = [
        f"pilot: {pilot.requests} requests gave {answered} answers, {samples} samples and {rejects} rejects",
        f"pilot: {pilot.share:.0%} of what was asked is a sample",
        f"pilot: an answer has {read} tokens in and {written} out",
    ]
    if pilot.cost is not None and pilot.cost_per_sample is not None:
        spent, each = money(pilot.cost, pilot.currency), money(pilot.cost_per_sample, pilot.currency)
        sentences.append(f"pilot: it cost {spent}, and a sample {each}")
    if pilot.estimate is not None and pilot.rest:
        reads, writes = pilot.estimate.prompt_tokens, pilot.estimate.completion_tokens or 0
        sentences.append(f"pilot: by its measure all requests take {reads} tokens in and about {writes} out")
    if pilot.rest_cost is not None and pilot.rest:
        rest = money(pilot.rest_cost, pilot.currency)
        sentences.append(f"pilot: the other {pilot.rest} requests will cost about {rest}")
    return sentences


def describe_finish(config: Config) -> str:
    """Return when a batch is finished otherwise, and what that costs."""
    if config.after_seconds is None:
        hours = round(STALLED_SECONDS / 3600)
        when = f"once nothing has moved for {hours} hours"
    else:
        when = f"{config.after} after it began"
    return f"what the batch has not done {when} is asked one by one, at full price"


def describe_sums(sums: Sums, what: str = "samples") -> list[str]:
    """Return the sums that must hold, as lines."""
    answers = f"{sums.completions} completions + {sums.failures} failures + {sums.unanswered} not yet answered"
    lines = [
        f"requests    {sums.requests} = {answers}",
        f"candidates  {sums.candidates} = {sums.samples} {what} + {sums.rejects} rejects",
    ]
    if sums.failures_by_kind:
        lines.append("failures    " + ", ".join(f"{count} {kind}" for kind, count in sums.failures_by_kind.items()))
    if sums.rejects_by_reason:
        lines.append("rejects     " + ", ".join(f"{count} {why}" for why, count in sums.rejects_by_reason.items()))
    if sums.possibly_paid:
        lines.append(f"unknown     {sums.possibly_paid} calls got no reply and are possibly paid")
    if sums.reused:
        lines.append(f"reused      {sums.reused} answers that an earlier job paid for")
    usage = sums.usage
    lines.append(f"tokens      {usage.prompt_tokens} in, {usage.completion_tokens} out")
    return lines


def describe_money(report: Report) -> list[str]:
    """Return what was paid, and how far the estimate was off, as lines."""
    lines = []
    if report.charged is not None and report.currency:
        amount = money(report.charged, report.currency)
        unsure = report.sums is not None and report.sums.possibly_paid
        if report.is_play:
            lines.append(f"cost        {amount} at list prices; nothing was paid")
        elif unsure:
            lines.append(f"cost        {amount} at the most; some calls got no reply")
        else:
            lines.append(f"cost        {amount}")
    lines += [f"estimate    {each.what} off by {each.off:+.1%}" for each in report.compared if each.off is not None]
    return lines
