"""Each error that is documented or was seen, row by row, and what it means here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.bailian import verdicts
from qwen_dataset.adapters.inference.bailian.verdicts import Action, Verdict, gateway_gave_up, sentence, verdict
from qwen_dataset.domain.inference import FailureKind

RETRY, FAIL, STOP = Action.RETRY, Action.FAIL, Action.STOP
Kind = FailureKind

FREE = "Free allocated quota exceeded."
TPM = "Allocated quota exceeded, please increase your quota limit."
BATCH_CAPACITY = (
    "Too many requests. Batch requests are being throttled due to system capacity limits. Please try again later."
)
CAPACITY = "Too many requests. Your requests are being throttled due to system capacity limits."
BROKE_OFF = (
    "<400> InternalError.Algo.InvalidParameter: Model output became abnormal while generating a JSON response for"
    " response_format. The generation was aborted because the partial output may be incomplete or invalid JSON."
    " Please retry the request."
)

INVALID = (FAIL, Kind.INVALID_REQUEST, False)
AGAIN = (RETRY, Kind.SERVER_ERROR, False)
TOO_LARGE = (FAIL, Kind.TOO_LARGE, False)
FILTERED = (FAIL, Kind.CONTENT_FILTER, False)
STOPPED = (STOP, Kind.REJECTED, False)
SLOWER = (RETRY, Kind.RATE_LIMITED, True)
TIMED_OUT = (RETRY, Kind.TIMEOUT, False)
EXPIRED = (RETRY, Kind.EXPIRED, False)
CANCELLED = (RETRY, Kind.CANCELLED, False)
POSSIBLY_PAID = (FAIL, Kind.UNKNOWN, False)

# The table of error codes: status, native and compatible code, message, meaning.
ROWS = [
    (400, "InvalidParameter|invalid_parameter_error", "Range of input length should be [1, 129024]", INVALID),
    (400, "InvalidParameter|invalid_parameter_error", "url error, please check url！", INVALID),
    (400, "InvalidParameter|invalid_parameter_error", "Range of max_tokens should be [1, 8192]", INVALID),
    (400, "InvalidParameter|invalid_parameter_error", BROKE_OFF, AGAIN),
    (None, "InvalidParameter|invalid_parameter_error", BROKE_OFF.split(": ")[1], AGAIN),
    (400, "some_new_code", BROKE_OFF, AGAIN),
    (400, "invalid_parameter_error", "tool_choice is not supported in thinking mode", INVALID),
    (400, "invalid_request_error", "you must provide a model parameter.", INVALID),
    (400, "InvalidParameter.NotSupportEnableThinking", "The model does not support enable_thinking.", INVALID),
    (400, "BadRequest.TooLarge", "Payload Too Large.", TOO_LARGE),
    (400, "BadRequest.EmptyInput", "Required input parameter missing.", INVALID),
    (400, "BadRequest.EmptyModel", "Required parameter model missing.", INVALID),
    (400, "BadRequest.IllegalInput", "The input parameter requires json format.", INVALID),
    (
        400,
        "DataInspectionFailed|data_inspection_failed",
        "Input or output data may contain inappropriate content.",
        FILTERED,
    ),
    (400, "DataInspectionFailed|data_inspection_failed", "", FILTERED),
    (
        400,
        "invalid_parameter_error",
        "<400> InternalError.Algo.DataInspectionFailed: Output data may be unsuitable.",
        FILTERED,
    ),
    (400, "Arrearage", "Access denied, please make sure your account is in good standing.", STOPPED),
    (400, "new_code", "Access denied, please make sure your account is in good standing.", STOPPED),
    (401, "InvalidApiKey|invalid_api_key", "Invalid API-key provided.", STOPPED),
    (401, "NOT AUTHORIZED", "Access denied: Either you are not authorized to access this workspace.", STOPPED),
    (403, "AccessDenied|access_denied", "Access denied.", STOPPED),
    (403, "AccessDenied.Unpurchased", "Access to model denied.", STOPPED),
    (403, "Model.AccessDenied", "Model access denied.", STOPPED),
    (403, "Workspace.AccessDenied", "Workspace access denied.", STOPPED),
    (403, "Endpoint.AccessDenied", "Workspace endpoint access denied.", STOPPED),
    (403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted.", STOPPED),
    (
        404,
        "ModelNotFound|model_not_found",
        "The model `qwen-nix` does not exist or you do not have access to it.",
        STOPPED,
    ),
    (404, "model_not_supported", "Unsupported model for OpenAI compatibility mode.", STOPPED),
    (404, "WorkSpaceNotFound", "WorkSpace can not be found.", STOPPED),
    (404, "NotFound", "Not found!", INVALID),
    (409, "Conflict", "Model instance already exists.", INVALID),
    (429, "Throttling", "Requests throttling triggered.", SLOWER),
    (429, "Throttling", "Too many requests in route. Please try again later.", SLOWER),
    (429, "Throttling.RateQuota|limit_requests", "Requests rate limit exceeded.", SLOWER),
    (429, "LimitRequests", "You exceeded your current requests list.", SLOWER),
    (429, "Throttling.BurstRate|limit_burst_rate", "Request rate increased too quickly.", SLOWER),
    (429, "Throttling.AllocationQuota|insufficient_quota", TPM, SLOWER),
    (429, "Throttling.AllocationQuota|insufficient_quota", BATCH_CAPACITY, SLOWER),
    (429, "Throttling.AllocationQuota|insufficient_quota", FREE, STOPPED),
    (429, "CommodityNotPurchased", "Commodity has not purchased yet.", STOPPED),
    (429, "PrepaidBillOverdue", "The prepaid bill is overdue.", STOPPED),
    (429, "PostpaidBillOverdue", "The postpaid bill is overdue.", STOPPED),
    (500, "InternalError|internal_error", "An internal error has occurred.", AGAIN),
    (500, "InternalError.Algo", "An error occurred in the algorithm.", AGAIN),
    (500, "InternalError.Algo", "Role must be in [user, assistant]", INVALID),
    (500, "InternalError.Algo", "Expecting ',' delimiter: line 1 column 20 (char 19)", INVALID),
    (500, "InternalError|internal_error", "<500> InternalError.Algo: Role must be in [user, assistant]", INVALID),
    (500, "InternalError.Timeout", "An internal timeout error has occurred.", TIMED_OUT),
    (500, "InternalError.FileUpload", "oss upload error.", AGAIN),
    (500, "InternalError.Upload", "Failed to upload result.", AGAIN),
    (500, "SystemError", "An system error has occurred.", AGAIN),
    (500, "ModelServiceFailed", "Failed to request model service.", AGAIN),
    (500, "RequestTimeOut", "Request timed out, please try again later.", TIMED_OUT),
    (500, "ModelServingError", CAPACITY, SLOWER),
    (503, "ModelServingError", CAPACITY, SLOWER),
    (503, "ModelServingError", "the server is ill", AGAIN),
    (503, "ModelUnavailable", "Model is unavailable, please try again later.", AGAIN),
    # Where a batch tells of them: no status of an error beside them, or 200.
    (
        200,
        "mismatched_model",
        "The model 'a' for this request does not match the rest of the batch.",
        INVALID,
    ),
    (
        200,
        "duplicate_custom_id",
        "The custom_id '1' for this request is a duplicate of another request.",
        INVALID,
    ),
    (200, "ModelNotFound|model_not_found", "The provided model 'xxx' is not supported by the Batch API.", STOPPED),
    (200, "url_not_found", "The provided url '/v1/chat/completion' is not supported by the Batch API.", INVALID),
    (
        200,
        "mismatched_test_url",
        "The provided URL '/v1/chat/completions' does not match the test model 'batch-test-model'.",
        INVALID,
    ),
    (400, "", "Upload file capacity exceed limit.", STOPPED),
    (400, "", "Upload file number exceed limit.", STOPPED),
    # Lines that never ran, in other servers' words.
    (None, "batch_expired", "This request could not be executed before the completion window expired.", EXPIRED),
    (None, "batch_cancelled", "This request was not executed because the batch was cancelled.", CANCELLED),
    # Other servers.
    (
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        STOPPED,
    ),
    (429, "rate_limit_exceeded", "Rate limit reached", SLOWER),
    (404, "NotFoundError", "The model `nix` does not exist.", STOPPED),
    (404, "not_found_error", 'model "nix" not found, try pulling it first', STOPPED),
    # A code nobody has recorded.
    (400, "brand_new", "", INVALID),
    (401, "", "Unauthorized", STOPPED),
    (402, "", "Insufficient Balance", STOPPED),
    (403, "brand_new", "", INVALID),
    (408, "brand_new", "", TIMED_OUT),
    (413, "", "Payload Too Large", TOO_LARGE),
    (418, "", "", INVALID),
    (422, "", "", INVALID),
    (429, "", "", SLOWER),
    (500, "brand_new", "", AGAIN),
    (502, "", "<html>Bad Gateway</html>", AGAIN),
    (504, "", "", TIMED_OUT),
    (599, "", "", AGAIN),
    (200, "brand_new", "", POSSIBLY_PAID),
    (None, "brand_new", "", AGAIN),
    (None, "", "", AGAIN),
    (200, "429", "slow", SLOWER),
    (200, "500", "", AGAIN),
    (None, "invalid", "<429> Whatever.New: slow", SLOWER),
]

CASES = [(status, code, message, *means) for status, codes, message, means in ROWS for code in codes.split("|")]


@pytest.mark.parametrize(("status", "code", "message", "action", "kind", "slow"), CASES)
@pytest.mark.parametrize("spelled", [str, str.upper, str.lower])
def test_each_known_error_has_its_meaning(status, code, message, action, kind, slow, spelled):
    said = verdict(status, code and spelled(code), message)
    assert (said.action, said.kind, said.slow_down) == (action, kind, slow)


@pytest.mark.parametrize(("status", "code", "message", "action", "kind", "slow"), CASES)
def test_only_a_stop_says_what_to_do_and_every_stop_does(status, code, message, action, kind, slow):
    told = sentence(status, code, message)
    advice = ("then resume", "check the model's name", "use another")
    assert any(words in told for words in advice) == (action is STOP)
    assert "\n" not in told


def test_what_may_be_asked_again_is_retryable_and_so_is_what_a_person_can_mend():
    retryable = {(action, verdict(status, code, message).retryable) for status, code, message, action, *_ in CASES}
    assert (RETRY, False) not in retryable
    assert verdict(400, "Arrearage", "").retryable
    assert verdict(401, "invalid_api_key", "").retryable
    assert not verdict(404, "model_not_found", "").retryable
    assert not verdict(403, "Endpoint.AccessDenied", "").retryable
    assert not verdict(400, "data_inspection_failed", "").retryable
    assert not verdict(400, "InvalidParameter", "").retryable


def test_an_unknown_error_where_an_answer_should_be_is_possibly_paid():
    assert verdict(200, "whatever", "") == Verdict(action=FAIL, kind=Kind.UNKNOWN, retryable=True)


def test_the_sentence_names_the_status_the_code_and_the_message():
    assert sentence(400, "InvalidParameter", "Range of max_tokens should be [1, 8192]") == (
        "the service answered HTTP 400 InvalidParameter: Range of max_tokens should be [1, 8192]"
    )
    assert sentence(401, "InvalidApiKey", "Invalid API-key provided.") == (
        "the service answered HTTP 401 InvalidApiKey: Invalid API-key provided;"
        " check the API key (DASHSCOPE_API_KEY) and that it belongs to this region, then resume"
    )


@pytest.mark.parametrize(
    ("status", "code", "message", "told"),
    [
        (None, "", "", "no reply came"),
        (None, None, None, "no reply came"),
        (None, "", "the reply did not come in 600 s", "the reply did not come in 600 s"),
        (503, "", "", "the service answered HTTP 503"),
        (None, "batch_expired", "", "the service answered batch_expired"),
    ],
)
def test_the_sentence_leaves_out_what_is_not_there(status, code, message, told):
    assert sentence(status, code, message) == told


@pytest.mark.parametrize("row", verdicts._TABLE, ids=lambda row: " ".join(sorted(row.codes))[:40])
def test_what_to_do_elsewhere_names_nothing_of_bailians(row):
    status = min(row.statuses, default=400)
    code = min(row.codes, default="")
    told = sentence(status, code, row.text.pattern if row.text else "", is_bailian=False)
    assert not any(word in told for word in ("DASHSCOPE", "Bailian", "region", "workspace id"))


@pytest.mark.parametrize("status", [502, 503, 504, 520, 524, 529, 500, 408, 200, None])
@pytest.mark.parametrize("code", ["", None, "RequestTimeOut"])
@pytest.mark.parametrize("message", ["", None, "<h1>Bad</h1>", "Upstream Connect Error or disconnect"])
def test_only_a_status_of_gateways_without_a_code_is_a_gateways(status, code, message):
    envoy = status == 503 and message == "Upstream Connect Error or disconnect"
    assert gateway_gave_up(status, code, message) == (not code and (status in {502, 504, 520, 524} or envoy))


@pytest.mark.parametrize("place", ["message", "code"])
@pytest.mark.parametrize("secret", ["sk-0123456789abcdef", "Bearer abcdef0123456789", "sk-ws-01.ab_c*******"])
def test_what_looks_like_a_key_is_left_out(secret, place):
    told = sentence(401, secret if place == "code" else "x", f"Incorrect API key: {secret} here")
    assert secret[8:] not in told
    assert "…" in told


def test_a_long_message_is_cut_and_becomes_one_line():
    told = sentence(500, "InternalError", "one\n  two\t" + "x" * 5_000)
    assert "one two xxx" in told
    assert len(told) < 500
    assert told.endswith("…")


@given(
    status=st.none() | st.integers(0, 999),
    code=st.none() | st.text(max_size=30) | st.integers() | st.dictionaries(st.text(max_size=3), st.integers()),
    message=st.none() | st.text(max_size=80) | st.lists(st.integers(), max_size=3),
)
def test_nothing_a_service_says_makes_it_fail(status, code, message):
    assert isinstance(verdict(status, code, message), Verdict)
    assert sentence(status, code, message)
