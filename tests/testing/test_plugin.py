"""The plugin as a user's project meets it: opt-in, fixtures, the network block and what it says."""

from __future__ import annotations

import pytest

PLUGIN = ("-p", "qwen_dataset.testing.plugin")
FEW = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--strict-markers", "-W", "error")

# Around an inner run in this process there must be no block of the outer one.
pytestmark = pytest.mark.network


def run(pytester: pytest.Pytester, *arguments: str, plugin: bool = True) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*FEW, *(PLUGIN if plugin else ()), *arguments)


def test_without_being_asked_for_it_does_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket

        def test_the_network_is_as_it_was():
            assert not hasattr(socket.getaddrinfo, "__wrapped__")

        def test_there_is_no_fixture(fake_backend):
            pass
    """)
    result = run(pytester, plugin=False)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'fake_backend' not found*"])


def test_a_conftest_can_ask_for_it_and_import_it_first(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import qwen_dataset.testing.plugin
        from qwen_dataset.testing.storage_contract import StorageContract

        pytest_plugins = ["qwen_dataset.testing.plugin"]
    """)
    pytester.makepyfile("""
        def test_fixtures(fake_backend, fake_service, memory_storage):
            assert fake_service.totals()["paid"] == 0
    """)
    run(pytester, plugin=False).assert_outcomes(passed=1)
    run(pytester).assert_outcomes(passed=1)


def test_the_suites_explain_their_failed_asserts(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["qwen_dataset.testing.plugin"]')
    pytester.makepyfile("""
        from qwen_dataset.adapters.storage.memory import MemoryStorage
        from qwen_dataset.testing.storage_contract import StorageContract

        class Forgetful(MemoryStorage):
            async def get(self, key):
                return b"forgotten"

        class TestForgetful(StorageContract):
            def make(self, tmp_path):
                return Forgetful()
    """)
    result = pytester.runpytest_subprocess(*FEW, "-k", "put_replaces")
    result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["E*assert b'forgotten' == b'new'"])


def test_the_network_is_blocked_in_tests_and_fixtures_and_given_back(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket

        import pytest
        from hypothesis import given, strategies as st

        from qwen_dataset.testing.network import NetworkBlocked

        def is_blocked():
            try:
                socket.getaddrinfo("example.invalid", 443)
            except NetworkBlocked:
                return True
            return False

        @pytest.fixture
        def around():
            assert is_blocked()
            yield
            assert is_blocked()

        def test_in_a_test_and_its_fixtures(around):
            assert is_blocked()

        @given(st.integers())
        def test_in_a_property(number):
            assert is_blocked()

        def test_that_fails():
            socket.getaddrinfo("api.example.invalid", 443)

        @pytest.mark.network
        def test_that_may():
            assert not hasattr(socket.getaddrinfo, "__wrapped__")

        @pytest.mark.network
        class TestThoseThatMay:
            def test_that_may(self):
                assert not hasattr(socket.getaddrinfo, "__wrapped__")

        def test_that_may_not_any_more():
            assert is_blocked()
    """)
    before = __import__("socket").getaddrinfo
    result = run(pytester)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["E*NetworkBlocked: a test tried to reach api.example.invalid*@pytest.mark.network"])
    assert __import__("socket").getaddrinfo is before


def test_the_fake_answers_and_keeps_books_and_each_test_has_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import asyncio

        import pytest

        from qwen_dataset.ports.inference import Offer
        from qwen_dataset.testing.inference_contract import Asked, requests_of

        async def ask(offer, requests):
            async with offer.backend as backend:
                handle = await backend.submit("key", Asked(requests))
                while not (await backend.poll(handle)).ready:
                    await offer.sleep(1.0)
                return [outcome async for outcome in backend.results(handle, Asked(requests))]

        @pytest.mark.parametrize("again", [1, 2])
        def test_it_answers(fake_backend, fake_service, fake_file, again):
            assert isinstance(fake_backend, Offer)
            assert not fake_backend.realtime
            assert len(asyncio.run(ask(fake_backend, requests_of(3)))) == 3
            assert fake_service.totals()["paid"] == 3
            assert fake_file.exists()

        @pytest.mark.fake(fail=1.0, fail_kinds=["timeout", "content_filter"], seed=7, mode="realtime")
        class TestFaults:
            def test_the_class_s(self, fake_backend, fake_service):
                outcomes = asyncio.run(ask(fake_backend, requests_of(3)))
                assert {outcome.kind for outcome in outcomes} <= {"timeout", "content_filter"}
                assert fake_service.totals()["paid"] == 0
                assert fake_backend.realtime
                assert fake_backend.backend.realm == "fake:7"

            @pytest.mark.fake(fail=0, shuffle=False)
            def test_the_nearest_mark_wins(self, fake_backend, fake_service):
                asyncio.run(ask(fake_backend, requests_of(3)))
                assert fake_service.totals()["paid"] == 3
                assert fake_backend.backend.realm == "fake:7"

        def test_storage(memory_storage):
            asyncio.run(memory_storage.put("a", b"b"))

        def test_storage_is_empty(memory_storage):
            async def keys():
                return [key async for key in memory_storage.keys()]

            assert asyncio.run(keys()) == []
    """)
    run(pytester).assert_outcomes(passed=6)


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ("fial=0.1", "@pytest.mark.fake: fake: there is no parameter 'fial'; known parameters: mode, seed, *"),
        ("fail=3", "@pytest.mark.fake: fake: fail=3* is not usable, it must be a probability from 0 to 1;*"),
        ("0.1", "@pytest.mark.fake takes name=value only, not 0.1"),
    ],
)
def test_a_wrong_parameter_is_one_sentence(pytester: pytest.Pytester, mark: str, sentence: str) -> None:
    pytester.makepyfile(f"""
        import pytest

        @pytest.mark.fake({mark})
        def test_it(fake_backend):
            pass
    """)
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([sentence])
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_the_server_is_there_for_a_test_and_its_marks_add_up(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys
        import urllib.request

        import pytest

        def test_nobody_pays_for_what_he_does_not_use():
            assert "qwen_dataset.testing.bailian" not in sys.modules

        @pytest.mark.bailian(error_500=1, key="sk-x")
        class TestServer:
            @pytest.mark.bailian(error_500=0, key=None)
            def test_the_nearest_mark_wins(self, bailian_server):
                assert bailian_server.settings.key is None
                assert urllib.request.urlopen(f"{bailian_server.base_url}/batches").status == 200
                assert bailian_server.totals()["calls"] == {"list": 1}

            def test_each_test_has_its_own(self, bailian_server):
                assert bailian_server.settings.key == "sk-x"
                assert bailian_server.totals()["calls"] == {}

        @pytest.mark.bailian(fial=1)
        def test_a_wrong_parameter_is_one_sentence(bailian_server):
            pass
    """)
    result = pytester.runpytest_subprocess(*FEW, *PLUGIN)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["@pytest.mark.bailian: bailian: there is no parameter 'fial'; known parameters: seed, *"]
    )


def test_it_works_in_worker_processes(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["qwen_dataset.testing.plugin"]')
    pytester.makepyfile("""
        import socket

        import pytest

        from qwen_dataset.testing.network import NetworkBlocked

        @pytest.mark.parametrize("number", range(4))
        def test_it(number, fake_backend):
            with pytest.raises(NetworkBlocked):
                socket.create_connection(("example.invalid", 443))
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", "-n", "2")
    result.assert_outcomes(passed=4)


def test_its_markers_are_known(pytester: pytest.Pytester) -> None:
    run(pytester, "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.network: *", "@pytest.mark.fake(name=value, ...): *", "@pytest.mark.bailian(name=value, ...): *"]
    )
