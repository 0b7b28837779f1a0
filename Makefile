# Every target sets up what it needs by itself. `make help` lists them.
PYTHON ?= python3
SCALE ?= 0.1
SEED ?= 20260630
DAYS ?= 0
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test test-fast lint format types layers bench lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/.ready: requirements.lock pyproject.toml deploy/setup.sh
	@bash deploy/setup.sh $(PYTHON)

setup: .venv/.ready ## make .venv with the pinned requirements

demo: .venv/.ready ## a simulated town, taken in, built, gated and published (SCALE=1 for 330,000 residents)
	@$(BIN)/townhub demo --scale $(SCALE) --seed $(SEED) --days $(DAYS)

up: .venv/.ready ## database, Dagster UI and daemon, with the simulated town
	@$(BIN)/townhub up --simulate

down: .venv/.ready ## stop everything that demo or up has started
	@$(BIN)/townhub down

test: .venv/.ready ## all tests, the fast ones first
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder tests/unit tests/property tests/conformance tests/fault tests/warehouse tests/integration

test-fast: .venv/.ready ## the tests that need no server
	@$(BIN)/python -m pytest tests/unit tests/property

lint: .venv/.ready ## style, types, layering
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(MAKE) --no-print-directory types layers
	@found=$$($(BIN)/python -m pytest --collect-only -qq 2>&1) || { echo "$$found"; exit 1; }
	@$(BIN)/townhub systems check && $(BIN)/townhub systems stage --check && $(BIN)/townhub systems docs --check
	@$(BIN)/townhub products docs --check
	@bash deploy/scan_secrets.sh

format: .venv/.ready ## write the code as ruff wants it
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: .venv/.ready
	@$(BIN)/mypy

layers: .venv/.ready
	@$(BIN)/lint-imports

bench: .venv/.ready ## measure (see bench/README.md)
	@$(BIN)/townhub bench run

lock: .venv/.ready ## write requirements.lock anew from requirements.in (pins and hashes, no addresses)
	@$(BIN)/python -m pip install -q uv && $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header requirements.in -o requirements.lock

clean: ## remove .venv and all generated files (the databases in .townhub stay: townhub down --purge)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs
