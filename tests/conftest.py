"""What every test has: properties drawn from a fixed seed, no network, and the fixtures of the shipped plugin."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ["qwen_dataset.testing.plugin", "pytester"]

# The same examples on every machine and in every run: a red test is red again. `make test-long` draws anew.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile(
    "long", database=None, deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")
