# Every verb makes .venv by itself. PYTHON=python3.12 chooses another interpreter (3.11 or later).

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/pytest
SOURCES := jobkit jobkit_testing
# Otherwise pyright asks the network for a newer version of itself.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all unit check format bench costs features double reads chaos fuzz mutants trace peers clean

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## Run the sign-up example; REDIS_URL=redis://... runs it on Redis
	$(BIN)/python -m examples.signup $(if $(REDIS_URL),--redis $(REDIS_URL))

test: $(READY)  ## Run all tests and doctests; they start Redis servers of their own
	$(PYTEST) -n 3 --doctest-modules $(SOURCES) tests examples

test-all: $(READY)  ## Run everything on every server and a cluster, and the long forms; half an hour
	JOBKIT_TEST=everywhere JOBKIT_ORACLE=full \
		$(PYTEST) -n 2 --timeout 600 --doctest-modules $(SOURCES) tests examples

unit: $(READY)  ## Run the unit tests only: seconds
	$(PYTEST) -n 2 tests/unit

check: $(READY)  ## Lint, formatting, types (mypy and pyright), direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(READY)  ## Format, and mend what the linter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY)  ## Measure throughput
	$(BIN)/python -m benchmarks.drain

costs: $(READY)  ## Measure what a job costs a worker and Redis, in CPU time
	$(BIN)/python -m benchmarks.costs

features: $(READY)  ## Measure what each feature costs, beside plain jobs; minutes
	$(BIN)/python -m benchmarks.features

double: $(READY)  ## Measure what the test double costs, in CPU time
	$(BIN)/python -m benchmarks.double

reads: $(READY)  ## Measure what reads and claims cost with 1,000,000 jobs; minutes
	$(BIN)/python -m benchmarks.reads

chaos: $(READY)  ## Kill workers at random; count lost and repeated jobs, watch a limit
	$(BIN)/python -m benchmarks.chaos
	$(BIN)/python -m benchmarks.chaos --limits --workers 20

fuzz: $(READY)  ## Do the same random steps on the memory store and on every other, and compare; minutes
	$(BIN)/python -m benchmarks.fuzz

mutants: $(READY)  ## Plant some 300 bugs, one at a time, and see which test catches each; half an hour
	$(BIN)/python -m benchmarks.mutants

trace: $(READY)  ## Trace workers that are killed under load, replay them on the memory store
	$(BIN)/python -m benchmarks.tracing

peers: $(READY)  ## Measure jobkit beside other systems; installs them, takes an hour
	$(BIN)/python -m benchmarks.peers --plots docs/figures \
		--json docs/figures/peers.json --markdown docs/figures/peers.md

clean:  ## Remove .venv, builds and caches
	rm -rf .venv .venv-peers build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "jobkit needs Python 3.11 or later; give one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --disable-pip-version-check -e '.[dev]'
	@touch $@
