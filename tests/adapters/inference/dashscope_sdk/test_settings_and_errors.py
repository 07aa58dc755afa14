"""Opening it by its settings, its probe, and the table of the SDK's exceptions."""

import asyncio
import importlib
import inspect
import sys

import pytest

from qwen_dataset.adapters.inference.dashscope_sdk import wire
from qwen_dataset.adapters.inference.dashscope_sdk.adapter import open_dashscope
from qwen_dataset.adapters.inference.dashscope_sdk.errors import EXCEPTIONS, call_failed
from qwen_dataset.domain.inference import Parameters
from qwen_dataset.errors import BackendDenied, BackendRejected, BackendUnavailable, SettingError
from qwen_dataset.ports.inference import BackendSettings


def settings(**changes):
    return BackendSettings(**{"api_key": lambda: "sk-0123456789", **changes})


def test_its_offer_names_the_realm_the_place_and_the_way():
    offer = open_dashscope(settings(parameters={"rpm": "60"}, concurrency=3))
    assert (offer.name, offer.realtime, offer.either) == ("dashscope", True, False)
    assert offer.backend.realm == "bailian:cn-beijing"
    assert offer.backend.limits.concurrency == 3
    assert "cn-beijing" in offer.destination
    assert offer.advice("nobody-knows-this-model", Parameters())


def test_the_native_address_is_found_beside_the_compatible_one():
    offer = open_dashscope(settings(base_url="http://127.0.0.1:9/compatible-mode/v1"))
    assert offer.backend._base_url == "http://127.0.0.1:9/api/v1"


def test_a_server_without_the_native_protocol_is_named_with_what_to_do():
    with pytest.raises(SettingError, match="--backend openai-chat"):
        open_dashscope(settings(base_url="http://127.0.0.1:8000/v1"))


def test_without_the_sdk_the_install_line_and_the_alternative_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dashscope", None)
    with pytest.raises(SettingError) as caught:
        open_dashscope(settings())
    assert 'pip install "qwen-dataset[dashscope]"' in str(caught.value)
    assert "--backend openai-chat" in str(caught.value)


# --- the probe


def probed(service, **changes):
    offer = open_dashscope(settings(base_url=f"{service.url}/api/v1", **changes))
    return asyncio.run(offer.probe())


@pytest.mark.parametrize(
    ("status", "code"), [(400, "InvalidParameter"), (400, "BadRequest.EmptyModel"), (404, "ModelNotFound"), (200, "")]
)
def test_a_service_that_refuses_only_the_request_takes_the_key(native, service, status, code):
    service.script = [native.answers({"code": code, "message": "no model"}, status)]
    assert "takes the key" in probed(service)
    (call,) = service.calls
    assert call.body == {}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, BackendDenied),
        (400, {"code": "Arrearage", "message": "overdue"}, BackendDenied),
        (404, "not here", BackendRejected),
        (503, {"code": "ModelUnavailable", "message": "later"}, BackendUnavailable),
    ],
)
def test_a_probe_says_what_is_wrong(native, service, status, body, error):
    service.script = [native.answers(body, status)]
    with pytest.raises(error):
        probed(service)


# --- the SDK


def exceptions_of(module_name):
    module = importlib.import_module(module_name)
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("module", ["dashscope.common.error", "dashscope.v2.errors"])
def test_every_exception_class_of_the_sdk_is_in_the_table(module):
    if module.startswith("dashscope.v2"):
        pytest.importorskip(module)
    own = [kind for kind in exceptions_of(module) if kind.__module__ == module]
    assert len(own) > 10
    assert {kind.__name__ for kind in own} - set(EXCEPTIONS) == set()


def test_every_argument_that_the_sdk_takes_for_itself_is_reserved():
    from dashscope import AioGeneration, AioMultiModalConversation
    from dashscope.api_entities.api_request_factory import _build_api_request
    from dashscope.client.base_api import BaseAioApi

    transport = {*inspect.signature(_build_api_request).parameters, *inspect.signature(BaseAioApi.call).parameters}
    assert transport - {"kwargs", "cls"} <= wire.RESERVED
    of_the_model = {
        "temperature", "top_p", "top_k", "max_tokens", "seed", "stop", "repetition_penalty", "presence_penalty",
        "enable_search", "tools", "tool_choice", "enable_thinking", "thinking_budget", "n", "logprobs", "top_logprobs",
        "search_options", "parallel_tool_calls", "response_format", "output_format", "ocr_options",
    }  # fmt: skip
    for endpoint in (AioGeneration, AioMultiModalConversation):
        named = set(inspect.signature(endpoint.call).parameters) - {"kwargs", "cls"}
        assert named - of_the_model <= wire.RESERVED


def made(module, kind_name, /, **fields):
    kind = getattr(pytest.importorskip(module), kind_name)
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    return error


OLD, NEW = "dashscope.common.error", "dashscope.v2.errors"


@pytest.mark.parametrize(
    ("error", "sent", "said"),
    [
        (lambda: made(OLD, "AuthenticationError"), False, (401, "InvalidApiKey", False)),
        (lambda: made(OLD, "AuthenticationError"), True, (None, "", True)),
        (
            lambda: made(NEW, "AuthenticationError", status_code=401, code="InvalidApiKey"),
            True,
            (401, "InvalidApiKey", True),
        ),
        (lambda: made(NEW, "RateLimitError", status_code=429, code="Throttling"), True, (429, "Throttling", True)),
        (lambda: made(NEW, "APIConnectionError"), False, (None, "", False)),
        (lambda: made(OLD, "InputRequired"), False, (400, "InvalidParameter", False)),
        (lambda: made(OLD, "InputRequired"), True, (None, "", True)),
        (lambda: made(OLD, "RequestFailure", http_code=500, name="InternalError"), True, (500, "InternalError", True)),
        (lambda: made(OLD, "ServiceUnavailableError"), False, (503, "", False)),
        (lambda: made(OLD, "TimeoutException"), True, (None, "", True)),
        (lambda: made(OLD, "DashScopeException"), False, (None, "", False)),
        (TimeoutError, False, (None, "", False)),
        (lambda: KeyError("code"), True, (None, "", True)),
        (lambda: TypeError("not JSON"), False, (400, "InvalidParameter", False)),
        (lambda: OSError(101, "Network is unreachable"), False, (None, "", False)),
    ],
)
def test_what_an_exception_means(error, sent, said):
    failed = call_failed(error(), sent=sent, host="here")
    assert (failed.status, failed.code, failed.sent) == said
    assert failed.message


def test_a_failure_that_is_one_already_stays_as_it_is():
    failed = call_failed(OSError(101, "Network is unreachable"), sent=False, host="here")
    assert "Network is unreachable" in failed.message
    assert call_failed(failed, sent=True, host="there") is failed
