# Everything is built into .venv from hash-locked requirements. Stamp files inside .venv remember what was
# installed from which lock, so that nothing is installed twice; removing .venv forgets it all.

PYTHON  ?= python3
# One more than there are processors, since a test often waits for a process or a server.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(len(os.sched_getaffinity(0)) + 1)' 2>/dev/null || echo auto)
ARGS    ?=

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
LOCK  = $(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check lint format bench-rules bench-peers bench-pull bench-finance soak-pull soak-finance soak-schedule soak-kill soak-serve soak-write bench-write bench-matching bench-pages bench-scale soak-scale bench-hooks soak-install lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed  ## three nights on the sample portfolio, no Jira needed (ARGS="…" goes to tieline demo)
	@$(BIN)/tieline demo $(ARGS)

test: $(VENV)/.installed $(VENV)/.dev  ## run the tests (ARGS="…" goes to pytest, WORKERS=0 runs in one process)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint  ## the whole gate: lint, then the tests with nothing skipped, on SQLite and PostgreSQL
	@TEST_REQUIRE_ALL=1 .ci/with-postgresql $(MAKE) --no-print-directory test

lint: $(VENV)/.installed $(VENV)/.dev  ## ruff, mypy --strict and the walls between the packages
	@echo "ruff check";           $(BIN)/ruff check .
	@echo "ruff format --check";  $(BIN)/ruff format --check .
	@echo "mypy --strict";        $(BIN)/mypy && $(BIN)/mypy benchmarks
	@echo "lint-imports";         PYTHONPATH=. $(BIN)/lint-imports

format: $(VENV)/.dev  ## mend what ruff can mend, and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench-rules: $(VENV)/.installed  ## what judging costs: 20 rules over 10,000 and 100,000 items (ARGS="--sizes 1000000 --each")
	@$(BIN)/python benchmarks/rules_judging.py $(ARGS)

bench-peers: $(VENV)/.installed  ## the rule engine beside the fastest expression library, over the same records
	@$(BIN)/python benchmarks/rules_peers.py $(ARGS)

bench-matching: $(VENV)/.installed  ## what matching 1,000,000 budget lines with 100,000 items costs (ARGS="--lines 100000 --items 10000")
	@$(BIN)/python benchmarks/matching.py $(ARGS)

bench-pull: $(VENV)/.installed  ## how fast 20,000 issues are read, beside other ways (ARGS="--peers", "--deployment dc", "--memory")
	@$(BIN)/python benchmarks/pull.py $(ARGS)

soak-pull: $(VENV)/.installed $(VENV)/.dev  ## random nights of pulling: nothing lost (ARGS="--nights 100 --seed 3")
	@$(BIN)/python -m tests.sync.pull_soak $(ARGS)

soak-finance: $(VENV)/.installed $(VENV)/.dev  ## random ledgers, restated: to the cent (ARGS="--ledgers 500 --database URL")
	@$(BIN)/python -m tests.sync.ledger_soak $(ARGS)

soak-schedule: $(VENV)/.installed $(VENV)/.dev  ## years of nights in five zones: each date once (ARGS="--seeds 200 --database URL")
	@$(BIN)/python -m tests.sync.schedule_soak $(ARGS)

soak-kill: $(VENV)/.installed $(VENV)/.dev  ## nights that end anywhere, in any way: nothing is left of it (ARGS="--cases 50 --seed 3")
	@$(BIN)/python -m tests.sync.kill_soak $(ARGS)

soak-write: $(VENV)/.installed $(VENV)/.dev  ## people, faults and nights on the same issues (ARGS="--schedules 100 --bad 1.0")
	@$(BIN)/python -m tests.sync.write_soak $(ARGS)

soak-serve: $(VENV)/.installed $(VENV)/.dev  ## the service, killed and starved again and again (ARGS="--minutes 60 --postgresql")
	@$(BIN)/python -m tests.sync.serve_soak $(ARGS)

bench-finance: $(VENV)/.installed  ## a budget file of 1,000,000 rows beside bare loads by other readers (ARGS="--rows 200000")
	@$(BIN)/python benchmarks/finance.py $(ARGS)

bench-write: $(VENV)/.installed  ## how fast labels are written, in bulk and one by one, beside the jira package
	@$(BIN)/python benchmarks/write.py $(ARGS)

bench-pages: $(VENV)/.installed  ## what a page costs over 100,000 findings (ARGS="--findings 1000000")
	@$(BIN)/python benchmarks/pages.py $(ARGS)

bench-scale: $(VENV)/.installed  ## 12 slow sites read by 1, 2, 4 and 8 processes, on PostgreSQL (ARGS="--kill 4", "--sites 50 --projects 20 --issues 1000")
	@TEST_POSTGRESQL_FOLDER=/tmp .ci/with-postgresql $(BIN)/python benchmarks/scale.py $(ARGS)

soak-scale: $(VENV)/.installed  ## a million issues of 50 sites, 8 workers, one killed every few seconds (ARGS="--issues 50")
	@TEST_POSTGRESQL_FOLDER=/tmp .ci/with-postgresql $(BIN)/python benchmarks/scale.py --prove --sites 50 --projects 20 --issues 1000 \
		--parts 1 --latency 0 $(ARGS)

bench-hooks: $(VENV)/.installed $(VENV)/.dev  ## how soon a label goes after a webhook, among 1,000 (ARGS="--deployment dc")
	@$(BIN)/python -m tests.sync.hooks.hook_soak $(ARGS)

soak-install: $(VENV)/.installed $(VENV)/.dev  ## docs/install.md and the container, on a bare Debian with systemd, as root (ARGS="--only machine")
	@$(BIN)/python -m tests.system.bare_debian $(ARGS)

lock: $(VENV)/.dev  ## write the lock files from pyproject.toml, keeping versions (UPGRADE=1 moves them)
	@echo "Locking requirements.lock, requirements-build.lock and requirements-dev.lock"
	@$(LOCK) pyproject.toml --all-extras --output-file requirements.lock
	@$(LOCK) --group build --constraint requirements.lock --output-file requirements-build.lock
	@$(LOCK) pyproject.toml --all-extras --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

clean:  ## remove .venv, caches and the demo's output; .env and databases stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage \
		build dist tieline-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "Tieline needs Python 3.11 or newer, and there is no '$(PYTHON)' here." \
			"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Tieline needs Python 3.11 or newer, and '$(PYTHON)' is" \
			"$$($(PYTHON) -c 'import platform; print(platform.python_version())')." \
			"Name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "Python could not create $(VENV): install its venv module" \
			"(on Debian and Ubuntu: apt install python3-venv) and try again." >&2; exit 1; }
	@touch $@

$(VENV)/.locked: requirements.lock requirements-build.lock $(VENV)/.python
	@echo "Installing what Tieline needs from requirements.lock (a minute the first time)"
	@$(PIP) install --require-hashes -r requirements.lock -r requirements-build.lock
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	@echo "Installing tieline itself into $(VENV)"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.locked
	@echo "Installing what the tests need from requirements-dev.lock (a minute the first time)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
