"""`plan` on a terminal: what is read at 80 columns in both languages, and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.api import counting, plan, planning
from qwen_dataset.app.cli.columns import row, width, wrapped
from qwen_dataset.app.wiring.tokens import Vocabulary
from tests.library.stage import Stage

TEXT = (
    "The trap number {n} holds {n} ions at seven millikelvin, and their lifetime was measured with a laser in run {n}."
)


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Ten papers of a thousand tokens a request: what a request says does not matter here."""
    stage = Stage(tmp_path, monkeypatch)
    lines = (json.dumps({"title": f"P{n}", "text": TEXT.format(n=n)}) + "\n" for n in range(10))
    stage.write("papers.jsonl", "".join(lines))
    thousand = Vocabulary(name="thousand", count=lambda _: 500, is_sure=True)
    for module in (planning, plan):
        monkeypatch.setattr(module, "vocabulary_of", lambda _: thousand)
    monkeypatch.setattr(counting, "template_tokens", lambda _: 0)
    return stage


ENGLISH = """\
papers      10, 10 passages asked about
requests    10, in a batch
tokens in   10,000
            qwen-plus: tokens counted as Qwen3's; as Qwen3.5's English +3 %,
            Chinese -12 %
tokens out  about 4,000, at most 20,000
            400 an answer: a default, as no earlier job tells

qwen-plus in cn-beijing, without thinking, in CNY
                          least   expected       most  time
* batch                   0.004      0.008     0.0242  9 min to 3 h
  batch-chat              0.004      0.008     0.0242  up to 1 h
  realtime, cached      0.00224    0.01024     0.0484  1 s to 5 min
  realtime                0.008      0.016     0.0484  1 s to 5 min
  batch             as measured: batches of 2 to 1,000 requests, 2026; not
                    promised
  batch-chat        each call is held for up to 60 minutes
  realtime, cached  90% of the input may be in the cache, at 20% of its price,
                    if the service keeps beginnings of this length; its pages do
                    not say
  realtime, cached  source of that share: computed from Live measurements of the
                    qwen-code project [QC], 2026-09-23
  realtime          an account may ask 30,000 requests and 5,000,000 tokens a
                    minute
  prices            Model pricing [P], 2026-05-26
  prices            OpenAI compatible: Batch Chat, pt-br [BC-1011], Model
                    pricing [P], 2026-05-26

qwen-plus in cn-beijing, thinking, in CNY
                          least   expected       most  time
  batch                   0.004          ?          ?  9 min to 3 h
  batch-chat              0.004          ?          ?  up to 1 h
  realtime, cached      0.00224          ?          ?  1 s to 5 min
  realtime                0.008          ?          ?  1 s to 5 min
  most              how long it may think is not known; set thinking_budget

* the cheapest of its currency that is done within 6 h, as far as is known
"""

CHINESE = """\
论文        10 篇，提问 10 个段落
请求        10 个，合为一个批次
输入 token  10,000
            qwen-plus：token 数按 Qwen3 计算；若按 Qwen3.5，英文 +3%，中文 -12%
输出 token  约 4,000，最多 20,000
            每个回答 400：默认值，因为此前没有任务可以参考

qwen-plus，cn-beijing，不思考，单位 CNY
                           最少       预计       最多  时间
* 批量                    0.004      0.008     0.0242  9 分钟至 3 小时
  batch-chat              0.004      0.008     0.0242  最多 1 小时
  实时（有缓存）        0.00224    0.01024     0.0484  1 秒至 5 分钟
  实时                    0.008      0.016     0.0484  1 秒至 5 分钟
  批量              依据实测（2026 年，2 到 1,000 个请求的批次），服务并不保证
  batch-chat        每次调用最多等待 60 分钟
  实时（有缓存）    输入的 90% 可能命中缓存，按原价的 20% 计费，前提是服务会缓存
                    这么长的开头；其文档没有说明
  实时（有缓存）    该比例的来源：computed from Live measurements of the
                    qwen-code project [QC], 2026-09-23
  实时              一个账号每分钟最多 30,000 个请求、5,000,000 个 token
  价格              Model pricing [P], 2026-05-26
  价格              OpenAI compatible: Batch Chat, pt-br [BC-1011], Model
                    pricing [P], 2026-05-26

qwen-plus，cn-beijing，思考，单位 CNY
                           最少       预计       最多  时间
  批量                    0.004          ?          ?  9 分钟至 3 小时
  batch-chat              0.004          ?          ?  最多 1 小时
  实时（有缓存）        0.00224          ?          ?  1 秒至 5 分钟
  实时                    0.008          ?          ?  1 秒至 5 分钟
  最多              思考的长度没有已知上限；请设置 thinking_budget

* 据目前所知，能在 6 小时内完成的方式中，同一货币里最便宜的
"""


@pytest.mark.parametrize(("language", "screen"), [("en", ENGLISH), ("zh", CHINESE)])
def test_the_screen_is_read_at_80_columns(inside: Stage, language: str, screen: str) -> None:
    args = ("papers.jsonl", "--compare-regions", "cn-beijing", "--deadline", "6h", "--lang", language)
    said = inside.call("plan", *args).works()
    assert said.out == screen
    assert max(map(width, said.out.splitlines())) <= 80
    assert said.err.count("\n") == 1
    assert list(inside.tree()) == ["papers.jsonl"], "nothing is stored"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_generate_begins_with_what_plan_says(inside: Stage, language: str) -> None:
    settings = ("--backend", "fake", "--lang", language)
    planned = inside.call("plan", "papers.jsonl", *settings).works().out.partition("\n\n")[0].splitlines()
    assert len(planned) in {6, 7}
    said = inside.call("generate", "papers.jsonl", "--batch", *settings).works().err.splitlines()
    first = said.index(planned[0])
    assert said[first : first + len(planned)] == planned
    cost = said[first + len(planned)]
    assert re.fullmatch(r"cost        about .+, at most .+|费用        约 .+，最多 .+", cost)
    assert all(width(line) <= 80 for line in said[first : first + len(planned) + 2])
    # One by one there is no batch to speak of.
    called = (
        inside.call("generate", "papers.jsonl", "--realtime", "--storage", "file:other", "-o", "o.jsonl", *settings)
        .works()
        .err.splitlines()
    )
    others = [line for line in planned if line not in called]
    assert [line.split()[0] for line in others] == [{"en": "requests", "zh": "请求"}[language]]


def test_what_is_not_offered_or_not_known_says_why(inside: Stage) -> None:
    args = ("papers.jsonl", "--model", "qwen3.8-flash", "--compare-regions", "ap-southeast-1,us-east-1")
    said = inside.call("plan", *args, "--compare-models", " nobody ,").works().out
    assert "qwen3.8-flash in us-east-1, without thinking, prices not known" in said
    assert "nobody in ap-southeast-1, without thinking, prices not known" in said
    assert "  batch                       -          -          -  not offered" in said
    assert "no longer offered by the Batch API" in " ".join(said.split())
    assert "  realtime                    ?          ?          ?  up to 5 min" in said
    assert "the price is not known" in said
    assert "computed from: Model catalogue records of the console [MC], 2026-10" in " ".join(said.split())
    assert max(map(width, said.splitlines())) <= 80


def test_too_late_is_said_and_no_mark_is_there(inside: Stage) -> None:
    said = inside.call("plan", "papers.jsonl", "--model", "qwen3.7-plus", "--deadline", "4m").works().out
    assert "9 min to 3 h, too late" in said
    assert "up to 5 min, maybe late" in said
    assert said.endswith("no way with a known price is known to be done within 4 min\n")
    said = inside.call("plan", "papers.jsonl", "--model", "nobody").works().out
    assert said.endswith("no way has a price that is known\n")


def test_time_by_the_rates_alone_is_no_promise(inside: Stage) -> None:
    """One call at a time: ten requests are a second's work for the account, and may take ten times five minutes."""
    args = ("papers.jsonl", "--compare-regions", "cn-beijing", "--concurrency", "1", "--deadline")
    said = inside.call("plan", *args, "20m").works().out
    assert "  realtime                0.008      0.016     0.0484  1 s to 50 min, maybe late\n" in said
    assert said.endswith("no way with a known price is known to be done within 20 min\n")
    assert "* realtime" in inside.call("plan", *args, "50m").works().out
    for language in ("en", "zh"):
        said = inside.call("plan", *args, "20m", "--lang", language).works().out
        assert max(map(width, said.splitlines())) <= 80


def test_json_is_one_object_with_every_figure(inside: Stage) -> None:
    found = inside.call("plan", "papers.jsonl", "--json", "--deadline", "2d").works().json
    assert (found["requests"], found["prompt_tokens"], found["completion_tokens"]) == (10, 10_000, 4000)
    assert (found["batches"], found["papers"], found["passages"], found["too_large"]) == (1, 10, 10, 0)
    assert (found["tokens_per_answer"], found["measured_answers"], found["measured_job"]) == ("400", 0, None)
    assert found["shared_prompt_tokens"] == 9000
    assert found["deadline_seconds"] == 172_800
    rows = {(row["region"], row["way"], row["thinking"]): row for row in found["ways"]}
    batch = rows["cn-beijing", "batch", False]
    assert {name: batch[name] for name in ("currency", "least", "expected", "most", "cheapest", "in_time")} == {
        "currency": "CNY", "least": "0.004", "expected": "0.008", "most": "0.0242", "cheapest": True, "in_time": True,
    }  # fmt: skip
    assert (batch["price_source"], batch["price_date"], batch["price_is_derived"]) == (
        "Model pricing [P]", "2026-05-26", False,
    )  # fmt: skip
    assert batch["seconds"] == {"least": 596.0, "likely": 9129.0, "bound": 86_400.0}
    assert batch["expires"]
    cached = rows["cn-beijing", "realtime, cached", False]
    assert (cached["cached_input"], cached["cache_source"][:13]) == ("0.2", "computed from")
    assert (batch["cached_input"], batch["cache_source"]) == (None, None)
    refused = rows["ap-southeast-1", "batch-chat", False]
    assert (refused["expected"], refused["currency"]) == (None, None)
    assert refused["not_offered"].startswith("Batch Chat does not exist")
    assert rows["ap-southeast-1", "realtime", True]["expected"] is None
    assert rows["ap-southeast-1", "batch", False]["price_note"]


def test_the_length_of_passages_decides_the_count_here_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Stage(tmp_path, monkeypatch)  # with a vocabulary that counts
    inside.write("long.md", "# Ions\n\n" + " ".join(TEXT.format(n=n) for n in range(200)) + "\n")
    args = ("plan", "long.md", "--max-samples", "99", "--json")
    few = inside.call(*args, "--passage-tokens", "2000", "--passage-overlap", "0").works().json["passages"]
    many = inside.call(*args, "--passage-tokens", "1000", "--passage-overlap", "500")
    assert many.works().json["passages"] > few
    assert inside.call("plan", "--help").works().out.count("\n") <= 60


def test_a_compared_model_that_counts_otherwise_shows_its_count(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (Vocabulary(name=str(n), count=lambda _, n=n: n, is_sure=True) for n in (400, 500))
    for module in (planning, plan):
        monkeypatch.setattr(module, "vocabulary_of", lambda model: few if model == "qwen-flash" else many)
    args = ("plan", "papers.jsonl", "--compare-models", "qwen-flash,qwen-max", "--compare-regions", "cn-beijing")
    said = inside.call(*args).works().out
    assert [line for line in said.splitlines() if "tokens in" in line] == [
        "tokens in   10,000", "tokens in   8,000 as qwen-flash counts",
    ]  # fmt: skip
    assert "输入 token  8,000（按 qwen-flash 计）\n" in inside.call(*args, "--lang", "zh").works().out
    ways = inside.call(*args, "--json").works().json["ways"]
    assert {(row["model"], row["prompt_tokens"], row["completion_tokens"]) for row in ways if not row["thinking"]} == {
        ("qwen-plus", 10_000, 4000), ("qwen-flash", 8_000, 4000), ("qwen-max", 10_000, 4000),
    }  # fmt: skip


def test_own_prices_are_an_option_and_a_setting(inside: Stage) -> None:
    inside.write(
        "mine.toml",
        '[[prices]]\nmodel = "qwen-plus"\nregion = "cn-beijing"\ncurrency = "EUR"\ninput = 1\noutput = 1\n'
        "as_of = 2026-11-01\n",
    )
    said = inside.call("plan", "papers.jsonl", "--prices", "mine.toml", "--json").works().json
    rows = {(row["region"], row["way"]): row for row in said["ways"] if not row["thinking"]}
    assert (rows["cn-beijing", "realtime"]["currency"], rows["cn-beijing", "realtime"]["expected"]) == ("EUR", "0.014")
    assert rows["cn-beijing", "batch"]["currency"] == "CNY"
    screen = inside.call("plan", "papers.jsonl", "--prices", "mine.toml", "--compare-regions", "cn-beijing").works().out
    tables = {part.splitlines()[0]: part for part in screen.split("\n\n")}
    assert "* realtime" in tables["qwen-plus in cn-beijing, without thinking, in EUR"]
    assert "* batch" in tables["qwen-plus in cn-beijing, without thinking, in CNY"]
    assert "realtime" not in tables["qwen-plus in cn-beijing, without thinking, in CNY"]
    inside.write("qwen-dataset.toml", 'prices = "mine.toml"\n')
    assert inside.call("plan", "papers.jsonl", "--json").works().json["ways"] == said["ways"]
    inside.write("mine.toml", "[[prices]]\nmodel = 7\n\n[[prices]]\n")
    inside.call("plan", "papers.jsonl").fails(2, "mine.toml, price 1: ", "mine.toml, price 2: ", sentences=2)
    inside.call("plan", "papers.jsonl", "--prices", "none.toml").fails(2, "none.toml: it is not there")


def test_no_key_is_needed_and_bad_input_is_a_sentence(inside: Stage) -> None:
    inside.write("refs.md", "# List\n\n## References\n\n- Somebody, 2020.\n")
    inside.call("plan", "refs.md").fails(2, "nothing to ask about")
    inside.call("plan", "nowhere.md").fails(2, "nowhere.md does not exist")
    inside.call("plan", "papers.jsonl", "--recipe", "prompts").fails(2, "takes prompts, not papers")
    inside.call("plan", "papers.jsonl", "--deadline", "soon").fails(2, "the deadline is 'soon'")
    inside.write("broken.md", b"\x00\x01")
    said = inside.call("plan", "papers.jsonl", "broken.md").works(1)
    assert "not read: broken.md" in said.err
    inside.call("plan", "papers.jsonl", "broken.md", "--strict").fails(2, "broken.md")


def test_what_fits_in_no_line_is_said(inside: Stage) -> None:
    inside.write("qwen-dataset.toml", 'extra_body = { user = "' + "u" * 999_500 + '" }\n')
    said = inside.call("plan", "papers.jsonl").fails(2, "nothing to ask about")
    assert said.out == ""


# Amounts, cells and lines


def test_cells_are_as_wide_as_a_terminal_shows_them() -> None:
    assert row(("实时", "1", "x"), (6, 4, 3), right=(False, True, False)) == "实时     1x"
    assert row(("rt", "1", ""), (6, 4, 3), right=(False, True, False)) == "rt       1"


words = st.lists(
    st.sampled_from(["a", "model", "30,000", "价格", "没有说明，", "（缓存）", "x" * 30, "的"]), max_size=40
)


@given(words, st.sampled_from([" ", ""]), st.integers(0, 30))
def test_a_wrapped_text_loses_nothing_and_keeps_to_its_width(parts: list[str], between: str, indent: int) -> None:
    text = between.join(parts)
    lines = list(wrapped(text, indent=indent, screen=70))
    assert "".join("".join(lines).split()) == "".join(text.split())
    longest = max(map(len, re.findall(r"[!-~]+", text)), default=0)
    for number, line in enumerate(lines):
        assert number == 0 or line.startswith(" " * indent)
        room = 70 - (indent if number == 0 else 0)
        assert width(line) <= max(room, longest + indent + 3)
        assert line.strip()[:1] not in tuple("，。；）") or number == 0
