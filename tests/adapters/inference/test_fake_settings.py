import attrs
import pytest

from qwen_dataset.adapters.inference.fake.backend import FakeBackend, open_fake
from qwen_dataset.adapters.inference.fake.dice import Dice
from qwen_dataset.adapters.inference.fake.settings import FakeSettings, Lie
from qwen_dataset.domain.inference import FailureKind
from qwen_dataset.errors import SettingError
from qwen_dataset.ports.inference import BackendSettings


def test_a_url_sets_parameters_of_every_type():
    settings = FakeSettings.from_url_params(
        {
            "mode": "realtime",
            "fail": "0.1",
            "seed": "7",
            "shuffle": "no",
            "fail_kinds": "timeout+invalid_request",
            "lies": "twice+offsets",
            "settle": "5",
            "requests": "10",
        }
    )
    assert settings == FakeSettings(
        mode="realtime",
        fail=0.1,
        seed=7,
        shuffle=False,
        fail_kinds=(FailureKind.TIMEOUT, FailureKind.INVALID_REQUEST),
        lies=(Lie.TWICE, Lie.OFFSETS),
        settle=5.0,
        requests=10,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fail", "1.5"),
        ("fail", "-0.1"),
        ("fail", "nan"),
        ("fail", "often"),
        ("mode", "both"),
        ("clock", "sun"),
        ("seed", "x"),
        ("seed", "1.5"),
        ("requests", "0"),
        ("duration", "0"),
        ("latency", "-1"),
        ("duration", "inf"),
        ("window", "0"),
        ("window", "inf"),
        ("window", "24h"),
        ("shuffle", "maybe"),
        ("fail_kinds", "expired"),
        ("fail_kinds", ""),
        ("lies", "white"),
        ("lies", ""),
        ("decoys", "no/such/file.txt"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_it_and_the_known_names(name, value):
    with pytest.raises(SettingError) as caught:
        FakeSettings.from_url_params({name: value})
    sentence = str(caught.value)
    assert f"{name}={value}" in sentence or f"{name}=" in sentence
    assert "lose_submit" in sentence
    assert "\n" not in sentence


def test_an_unknown_name_is_one_sentence_that_lists_the_known_names():
    with pytest.raises(SettingError, match=r"'fial'.*known.*fail_kinds"):
        FakeSettings.from_url_params({"fial": "1"})


def test_all_parameters_but_decoys_survive_the_way_through_text():
    changed = FakeSettings(
        mode="realtime",
        seed=-3,
        fail=0.25,
        shuffle=False,
        settle=2.5,
        lies=(Lie.PAPER,),
        requests=5,
        window=7.25,
        decoys=("a",),
    )
    assert FakeSettings.from_url_params(changed.to_url_params()) == attrs.evolve(changed, decoys=())
    assert FakeSettings().to_url_params() == {}


def test_decoys_are_passages_parted_by_empty_lines(tmp_path):
    path = tmp_path / "decoys.txt"
    path.write_text("One passage.\nStill one.\n\n\nAnother.\n", encoding="utf-8")
    assert FakeSettings.from_url_params({"decoys": str(path)}).decoys == ("One passage.\nStill one.", "Another.")


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (FakeSettings(), 0.0),
        (FakeSettings(late=0.1), 60.0),
        (FakeSettings(late=0.1, settle=7.0), 7.0),
        (FakeSettings(settle=7.0), 7.0),
        (FakeSettings(mode="realtime", late=0.1, settle=7.0), 0.0),
    ],
)
def test_settle_is_promised_only_where_something_may_be_late(settings, seconds):
    assert settings.settle_seconds == seconds
    assert FakeBackend(settings).limits.settle_seconds == seconds


def test_limits_follow_the_settings_and_the_mode():
    batch = FakeBackend(FakeSettings(requests=9, concurrency=3, line_bytes=77)).limits
    assert (batch.requests, batch.concurrency, batch.line_bytes) == (9, 3, 77)
    assert (batch.segment_outcomes, batch.segment_bytes, batch.segment_seconds) == (5_000, 8_000_000, 60.0)
    realtime = FakeBackend(FakeSettings(mode="realtime", requests=9, concurrency=3, line_bytes=77)).limits
    assert (realtime.requests, realtime.concurrency, realtime.line_bytes) == (9, 3, 77)
    assert (realtime.segment_outcomes, realtime.segment_seconds) == (100, 2.0)


def _opened(location="memory", /, **changes):
    return open_fake(BackendSettings(location=location, **changes))


def test_an_address_makes_an_offer(tmp_path, monkeypatch):
    offer = _opened(str(tmp_path / "far" / "remote.jsonl"), parameters={"mode": "realtime", "seed": "9"})
    assert (offer.name, offer.realtime, offer.backend.realm) == ("fake", True, "fake:9")
    assert offer.sleep is not None
    assert (tmp_path / "far" / "remote.jsonl").exists()
    monkeypatch.chdir(tmp_path)
    _opened("")
    assert (tmp_path / ".qwen-dataset-fake.jsonl").exists()


@pytest.mark.parametrize("asked", [None, False, True])
def test_without_a_mode_the_way_is_the_one_asked_for_and_the_other_is_possible(asked):
    offer = _opened(realtime=asked)
    assert (offer.realtime, offer.either) == (asked is True, True)
    assert offer.backend.limits.segment_outcomes == (100 if asked else 5_000)


@pytest.mark.parametrize("asked", [None, False, True])
@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_a_mode_in_the_address_is_exact_whatever_was_asked_for(mode, asked):
    offer = _opened(parameters={"mode": mode}, realtime=asked)
    assert (offer.realtime, offer.either) == (mode == "realtime", False)


def test_a_mode_that_does_not_exist_is_a_bad_setting():
    with pytest.raises(SettingError, match="mode=both"):
        _opened(parameters={"mode": "both"}, realtime=True)


def test_concurrency_is_the_addresss_then_the_settings_then_its_own():
    named = {"mode": "realtime", "concurrency": "3"}
    assert _opened(parameters=named, concurrency=5).backend.limits.concurrency == 3
    assert _opened(realtime=True, concurrency=5).backend.limits.concurrency == 5
    assert _opened(realtime=True).backend.limits.concurrency == FakeSettings().concurrency


def test_the_offer_tells_a_person_that_nothing_leaves_the_machine():
    assert _opened().destination == "the fake on this machine: nothing leaves it, nothing is paid"


def test_key_base_url_and_region_change_nothing():
    def no_key() -> str:
        raise AssertionError("the fake needs no key")

    offer = _opened(api_key=no_key, base_url="https://example.org/v1", region="ap-southeast-1")
    assert offer.backend.realm == _opened().backend.realm


def test_a_remote_file_that_cannot_be_used_is_a_bad_setting(tmp_path):
    with pytest.raises(SettingError, match="cannot be used"):
        _opened(str(tmp_path))


def test_dice_depend_on_the_words_alone():
    dice = Dice(1)
    draws = [dice.draw("fail", f"id{number}", 0) for number in range(2_000)]
    assert draws == [Dice(1).draw("fail", f"id{number}", 0) for number in range(2_000)]
    assert all(0.0 <= draw < 1.0 for draw in draws)
    assert 0.47 < sum(draws) / len(draws) < 0.53
    assert draws[0] != Dice(2).draw("fail", "id0", 0)
    assert dice.draw("a", "bc") != dice.draw("ab", "c")
    assert not dice.hits(0.0, "x")
    assert dice.hits(1.0, "x")
    assert {dice.pick("abc", number) for number in range(50)} == set("abc")
