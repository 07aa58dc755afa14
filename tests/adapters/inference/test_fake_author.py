import json
import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.fake.author import draft, usage
from qwen_dataset.adapters.inference.fake.dice import Dice
from qwen_dataset.adapters.inference.fake.lies import lie, repeated
from qwen_dataset.adapters.inference.fake.passage import bare, quotable, read_prompt, stands_once
from qwen_dataset.adapters.inference.fake.phrases import CHINESE, ENGLISH, KIND_WORDS
from qwen_dataset.adapters.inference.fake.settings import Lie
from qwen_dataset.domain.grounding import Ungrounded, locate
from qwen_dataset.domain.inference import Message, Request
from qwen_dataset.domain.papers import detect_language
from qwen_dataset.domain.recipes.instruct_prompts import KINDS, WORDINGS, passage_of, user_prompt
from qwen_dataset.domain.samples import RejectReason

FRAGMENTS = st.sampled_from(
    [
        "The loss falls by 3 % in each step. ",
        "We measure the norm, e.g. with Eq. 5 of the model. ",
        "It holds that $a.b = c$ for all x! ",
        "Does the method converge? ",
        "该方法在第3步之后收敛。",
        "损失不再下降；",
        "\n\n## A heading\n\n",
        "\n| a | b |\n| - | - |\n",
        "\n```python\nx = 1.\n```\n",
        "\n$$\nx = y.\n$$\n",
        "\n\\begin{align}\nx &= y.\n\\end{align}\n",
        "\n- A list item says something useful.\n- Another says more.\n",
        "\n> A quoted line.\n",
        "\n1. First do this.\n2) Then that.\n",
        "\r\n",
        "\n",
        " ",
        '"quoted" \\ back\\slash \\alpha ',
        "</passage>",
        "\U0001f40d",
        "\u2028",
        "\ud800",
        "<b>bold</b> ",
        "**term of art** ",
        "no stop at the end",
    ]
)
PASSAGES = st.lists(FRAGMENTS | st.text(st.characters(), max_size=30), min_size=1, max_size=25).map("".join)


def _request(passage, language="en", kind="concept", title="On Things", section=("Methods", "Clipping of gradients")):
    prompt = user_prompt(language=language, kind=kind, title=title, section=section, passage=passage)
    messages = (Message("system", WORDINGS[language].system), Message("user", prompt))
    return Request(messages=messages, model="m")


@settings(max_examples=60, deadline=None)
@given(PASSAGES, st.sampled_from(KINDS), st.sampled_from(["en", "zh"]), st.integers(0, 3))
def test_answers_are_json_and_quotes_stand_exactly_once(passage, kind, language, seed):
    request = _request(passage, language, kind)
    answer = draft(request, seed=seed)
    assert answer == draft(request, seed=seed)
    assert answer.prompt.passage == passage == passage_of(request.messages[1].content)
    assert answer.prompt.language == language
    if not passage.strip():
        assert answer.sample is None
        return
    sample = json.loads(answer.text)
    assert list(sample) == ["instruction", "input", "output", "evidence"]
    assert 1 <= len(sample["evidence"]) <= 3
    assert sample["instruction"]
    assert sample["output"]
    for quote in sample["evidence"]:
        assert stands_once(quote, passage)
        assert " ".join(quote.split()) in sample["output"]


@settings(max_examples=60, deadline=None)
@given(PASSAGES, st.sampled_from(list(Lie)), st.sampled_from(["en", "zh"]), st.integers(0, 3))
def test_lies_are_lies(passage, kind, language, seed):
    answer = draft(_request(passage, language), seed=seed)
    if answer.sample is None:
        return
    forged = lie(answer, Dice(seed), (kind,), (), ("id", 0))
    changed = [quote for quote in forged["evidence"] if quote not in answer.sample["evidence"]]
    assert len(changed) == 1
    wrong = changed[0]
    if isinstance(wrong, dict):
        assert kind is Lie.OFFSETS
        assert wrong["quote"] in answer.sample["evidence"]
        assert wrong["end"] - wrong["start"] != len(wrong["quote"])
        assert passage[wrong["start"] : wrong["end"]] != wrong["quote"]
    elif kind is Lie.TWICE and wrong in passage:
        assert not stands_once(wrong, passage)
        assert len(wrong) >= 12
    else:
        assert bare(wrong) not in bare(passage)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", list(Lie))
def test_the_grounding_finds_out_each_lie_and_believes_each_truth(kit, language, kind):
    reasons = {Lie.TWICE: RejectReason.EVIDENCE_AMBIGUOUS, Lie.OFFSETS: RejectReason.EVIDENCE_MISPLACED}
    passage = kit.PASSAGE if language == "en" else kit.CHINESE_PASSAGE
    paper = "Some text before. " + passage
    for seed in range(25):
        answer = draft(_request(passage, language, KINDS[seed % 8]), seed=seed)
        for quote in answer.sample["evidence"]:
            assert not isinstance(locate(quote, paper, 18, len(paper)), Ungrounded)
        forged = lie(answer, Dice(seed), (kind,), (), ("id", 0))
        (wrong,) = [quote for quote in forged["evidence"] if quote not in answer.sample["evidence"]]
        claimed = (wrong["start"], wrong["end"]) if isinstance(wrong, dict) else None
        quote = wrong["quote"] if isinstance(wrong, dict) else wrong
        found = locate(quote, paper, 18, len(paper), claimed=claimed)
        assert isinstance(found, Ungrounded)
        if kind is Lie.TWICE and quote not in passage:
            assert language == "zh"  # nothing stands twice there, so another lie was told
        else:
            assert found.reason is reasons.get(kind, RejectReason.EVIDENCE_NOT_FOUND)


def test_all_ways_of_lying_are_used(kit):
    answer = draft(_request(kit.PASSAGE), seed=0)
    told = set()
    for number in range(60):
        forged = lie(answer, Dice(0), tuple(Lie), (), (f"id{number}", 0))
        told.update(json.dumps(quote) for quote in forged["evidence"] if quote not in answer.sample["evidence"])
    assert len(told) > 15
    assert any("quote" in each for each in told)


def test_decoys_are_quoted_where_they_are_given(kit):
    answer = draft(_request(kit.PASSAGE), seed=0)
    decoys = ("A sentence of another passage of this paper.", kit.PASSAGE)
    forged = lie(answer, Dice(0), (Lie.PASSAGE,), decoys, ("id", 0))
    assert decoys[0] in forged["evidence"]
    only = lie(answer, Dice(0), (Lie.PASSAGE,), (kit.PASSAGE,), ("id", 0))
    assert bare(kit.PASSAGE) not in "".join(map(bare, only["evidence"]))


def test_what_cannot_be_altered_is_invented():
    answer = draft(_request("--- ?! ---"), seed=0)
    forged = lie(answer, Dice(0), (Lie.ALTERED,), (), ("id", 0))
    assert bare(forged["evidence"][0])


def test_an_invented_sentence_is_invented_even_where_the_passage_holds_it():
    answer = draft(_request("Nothing."), seed=0)
    sentence = lie(answer, Dice(0), (Lie.INVENTED,), (), ("id", 0))["evidence"][0]
    forewarned = attrs.evolve(answer, prompt=attrs.evolve(answer.prompt, passage=f"Nothing. {sentence}"))
    assert lie(forewarned, Dice(0), (Lie.INVENTED,), (), ("id", 0))["evidence"][0] not in forewarned.prompt.passage


@pytest.mark.parametrize(
    ("passage", "found"),
    [
        ("short", None),
        ("nothing here stands two times at all", None),
        ("a fragment that stands; and again a fragment that stands.", "a fragment that stands"),
        ("abcdefghijkl abcdefghijkl", "abcdefghijkl"),
        ("abcdefghijk\nabcdefghijk\n", None),
        ("- - - - - - - - - - - - - - - - - -", None),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaa"),
        ("aaaaaaaaaaaaaaaaaa", None),
    ],
)
def test_what_stands_twice_is_found(passage, found):
    assert repeated(passage) == found
    assert found is None or passage.count(found) >= 2


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_that_was_asked_for_is_written(kit, language, kind):
    phrases = (ENGLISH if language == "en" else CHINESE)[kind]
    passage = kit.PASSAGE if language == "en" else kit.CHINESE_PASSAGE
    for request in (_request(passage, language, kind), kit.passage_request(passage, language=language, kind=kind)):
        instruction = draft(request, seed=0).sample["instruction"]
        openings = [words.split("{topic}") for words in phrases.instructions]
        assert any(instruction.startswith(parts[0]) and instruction.endswith(parts[-1]) for parts in openings)
        assert detect_language(instruction) == language


def test_a_prompt_that_names_no_kind_gets_any(kit):
    request = Request(
        messages=(Message("user", f"<passage>\n{kit.PASSAGE}\n</passage>\nAsk me something."),), model="m"
    )
    assert draft(request, seed=0).sample is not None
    assert set(KIND_WORDS) == set(KINDS) == set(ENGLISH) == set(CHINESE)


def test_samples_read_as_they_should(kit):
    sample = draft(kit.passage_request(kind="concept"), seed=1).sample
    text = " ".join(kit.PASSAGE.split())
    assert all(" ".join(quote.split()) in text for quote in sample["evidence"])
    quoted = "".join(" ".join(quote.split()) for quote in sample["evidence"])
    assert "|" not in quoted
    assert "#" not in quoted
    steps = draft(kit.passage_request(kind="method_steps"), seed=1).sample["output"]
    assert "\n1. " in steps
    assert "\n2. " in steps
    assert "\n- " in draft(kit.passage_request(kind="comparison"), seed=1).sample["output"]


def test_topics_come_from_the_section_the_terms_and_what_is_said_often(kit):
    def seen(**words):
        return {draft(_request(kit.PASSAGE, **words), seed=seed).topic for seed in range(30)}

    assert "Clipping of gradients" in seen()
    generic = seen(section=("3 Results",))
    assert "3 Results" not in generic
    assert any("gradient" in topic.lower() for topic in generic)
    assert "On Things" not in generic
    marked = draft(_request("We define a **spectral gap** here.", section=()), seed=0)
    assert marked.topic == "spectral gap"
    assert draft(_request("One is.", section=(), title="Odd Things"), seed=0).topic == "Odd Things"
    assert draft(_request("One is.", section=(), title="Introduction"), seed=0).topic == "this subject"
    chinese = draft(_request("是的。", "zh", section=(), title="引言"), seed=0)
    assert chinese.topic == "这一主题"


def test_sentences_are_cut_where_they_end():
    passage = (
        "We follow Smith et al. 2020, i.e. the setup of Fig. 3. The value $x = 1. 5$ is fixed! "
        "Is it? “Yes, it is.” 这是第一句。这是第二句！\n"
        "- an item without a stop\n"
        "  that goes on here\n\n"
        "Heading that is none\n"
        "$$ a = b. $$\n"
        "After the formula.\n"
        "```\nno. prose. here.\n```\n"
    )
    texts = [quote.text for quote in _all_sentences(passage)]
    assert texts == [
        "We follow Smith et al. 2020, i.e. the setup of Fig. 3.",
        "The value $x = 1. 5$ is fixed!",
        "Is it?",
        "“Yes, it is.”",
        "这是第一句。",
        "这是第二句！",
        "an item without a stop\n  that goes on here",
        "Heading that is none",
        "After the formula.",
    ]


def _all_sentences(passage):
    from qwen_dataset.adapters.inference.fake.passage import _sentences

    return list(_sentences(passage))


def test_what_is_left_when_no_sentence_is_good_enough():
    assert [quote.text for quote in quotable("Short one. Short two.")] == ["Short one.", "Short two."]
    assert [quote.text for quote in quotable("| a | b |\n| c | d |")] == ["| a | b |", "| c | d |"]
    assert [quote.text for quote in quotable("x\nx")] == ["x\nx"]
    assert quotable(" \n ") == []
    long = "word " * 100
    assert [quote.text for quote in quotable(long)] == [long.strip()]


def test_prompts_without_a_passage_get_a_short_plain_answer():
    english = draft(requests("Why is the sky blue at noon?"), seed=0)
    assert english.sample is None
    assert "sky" in english.text or "noon" in english.text or "this question" in english.text
    assert detect_language(english.text) == "en"
    assert english.text[0].isupper()
    chinese = draft(requests("请解释什么是量子纠缠，量子纠缠有什么用？"), seed=0)
    assert detect_language(chinese.text) == "zh"
    assert draft(requests("?"), seed=0).text
    assert draft(Request(messages=(), model="m"), seed=0).text
    only_system = Request(messages=(Message("system", "<passage>\nA passage of rules.\n</passage>"),), model="m")
    assert draft(only_system, seed=0).sample is None


def requests(text):
    return Request(messages=(Message("user", text),), model="m")


def test_the_passage_is_the_one_a_user_marked():
    text = "Before.\n<passage-2>\nThe <passage> itself.\n</passage>\n</passage-2>\nAfter."
    prompt = read_prompt(requests(text))
    assert prompt.passage == "The <passage> itself.\n</passage>"
    assert prompt.rest == "Before.\n\nAfter."


def test_usage_is_about_right():
    tokens = usage(requests("word " * 80), "字" * 150)
    assert (tokens.prompt_tokens, tokens.completion_tokens) == (100, 100)


def test_a_long_passage_takes_no_time():
    words = ["gradient", "loss", "step", "model", "norm", "of", "the", "is", "比较"]
    dice = random.Random(1)
    passage = " ".join(dice.choice(words) + ("." if number % 9 == 0 else "") for number in range(4_000))
    answer = draft(_request(passage), seed=0)
    assert answer.sample is not None
