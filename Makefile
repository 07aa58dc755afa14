# `make demo` and `make test` need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-long coverage check bench format clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/python examples/demo.py

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 -m "not long"

test-long: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 -m long --hypothesis-profile=long --timeout 5400 -s

# The same tests, measured: half as long again, so `make test` does without.
coverage: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 -m "not long" --cov --cov-report=term

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	$(BIN)/mypy benchmarks
	$(BIN)/lint-imports
	$(MAKE) coverage

# Everything takes hours; one by one they are programs in benchmarks/ that tell how they are called.
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/everything.py

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
