"""What every test has: properties drawn from a fixed seed, and shipped suites whose asserts explain themselves."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine and in every run: a red test is red again. `make test-long` draws anew.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile(
    "long", database=None, deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")

pytest.register_assert_rewrite(
    "qwen_dataset.testing.storage_contract",
    "qwen_dataset.testing._storage_keys_contract",
    "qwen_dataset.testing.inference_contract",
)
