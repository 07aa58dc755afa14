"""What a person chooses about a job, apart from the job: whoever reads settings needs no more of it than this."""

from __future__ import annotations

import re
from enum import StrEnum

# Text that must be one path segment on every storage and one word in every shell.
_JOB_NAME = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff._-]{0,79}")


def is_job_name(name: str) -> bool:
    """Say whether a person may call a job this."""
    return _JOB_NAME.fullmatch(name) is not None


class RetryUnknown(StrEnum):
    """What to do with a request that was sent and got no reply, so that it may have been paid.

    ``auto`` sends it once more where the backend calls it retryable (realtime), never in batch; ``always`` sends it
    again everywhere; ``never`` nowhere.
    """

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"
