"""How the service says no: one refusal, written in the compatible and in the native form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KNOWN: Mapping[str, tuple[int, str, str]] = {
    "limit_requests": (429, "Throttling.RateQuota", "You exceeded your current requests limit."),
    "limit_burst_rate": (429, "Throttling.BurstRate", "Request rate increased too quickly."),
    "insufficient_quota": (
        429,
        "Throttling.AllocationQuota",
        "Too many requests. Batch requests are being throttled due to system capacity limits. Please try again later.",
    ),
    "internal_error": (500, "InternalError", "An internal error has occured, please try again later."),
    "RequestTimeOut": (500, "RequestTimeOut", "Request timed out, please try again later."),
    "ModelUnavailable": (503, "ModelUnavailable", "Model is unavailable, please try again later."),
    "Arrearage": (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    "data_inspection_failed": (
        400,
        "DataInspectionFailed",
        "<400> InternalError.Algo.DataInspectionFailed: Input data may contain inappropriate content.",
    ),
    "invalid_api_key": (401, "InvalidApiKey", "Invalid API-key provided."),
    "invalid_parameter_error": (400, "InvalidParameter", "The request is malformed."),
    "model_not_found": (404, "ModelNotFound", "The model does not exist or you do not have access to it."),
    "NotFound": (404, "NotFound", "Not found!"),
}

ABORTED_JSON = (
    "<400> InternalError.Algo.InvalidParameter: Model output became abnormal while generating a JSON response for "
    "response_format. The generation was aborted because the partial output may be incomplete or invalid JSON. Please "
    "retry the request."
)


class Refusal(Exception):
    """An error status. ``code`` is the compatible code, ``native`` the native one."""

    def __init__(
        self, status: int, code: str, message: str, *, native: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.native = native or code
        self.message = message
        self.param = param
        self.headers: dict[str, str] = {}

    def compatible(self) -> dict[str, Any]:
        """Return the ``error`` of a compatible body."""
        same = self.code in {"data_inspection_failed", "limit_burst_rate", "limit_requests"}
        kind = self.code if same else "invalid_request_error" if self.status < 500 else "server_error"
        return {"code": self.code, "param": self.param, "message": self.message, "type": kind}


class Page(Refusal):
    """An error page that something between client and service sends: HTML, without a code."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(status, "", title)

    def html(self) -> str:
        """Return the page."""
        return (
            f"<html><head><title>{self.status} {self.message}</title></head><body><h1>{self.message}</h1></body></html>"
        )


def refusal(code: str, message: str | None = None, *, param: str | None = None) -> Refusal:
    """Return the service's refusal of this code; a code that it does not know is a bad request."""
    status, native, text = _KNOWN.get(code, (400, code, f"The request was refused: {code}."))
    return Refusal(status, code, message or text, native=native, param=param)


def bad_request(message: str, *, param: str | None = None) -> Refusal:
    """Return a 400 for a parameter."""
    return refusal("invalid_parameter_error", message, param=param)


def written(text: str) -> Refusal:
    """Return the refusal that a setting writes as ``status:code:message``."""
    status, code, message = text.split(":", 2)
    return Refusal(int(status), code, message)
