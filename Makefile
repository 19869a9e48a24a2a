# Hamroh. `make` alone lists what there is. Needs Python 3.11 or newer, and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3.14 python3))
UV_VERSION := 0.13.9
TARGET ?= local
VENV := .venv
BIN := $(VENV)/bin
DEMO := .local/demo
RUN := $(VENV)/.installed-to-run
DEV := $(VENV)/.installed-to-develop

# $(call step,what,command): a line per step with its time; its output only if it fails.
step = printf '  %-34s' '$(1)'; started=$$SECONDS; log=$$(mktemp); \
	if $(2) >"$$log" 2>&1; then echo "$$((SECONDS - started)) s"; rm -f "$$log"; \
	else echo failed; cat "$$log"; rm -f "$$log"; exit 1; fi

# $(call install,file): exactly the locked packages, each checked by its hash, then Hamroh itself.
install = if [ -x $(BIN)/uv ]; then \
		$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(1) && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .; \
	else \
		$(BIN)/python -m pip install --quiet --require-hashes --requirement $(1) && \
		$(BIN)/python -m pip install --quiet --no-deps --editable .; \
	fi

compile = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml --extra platform --extra local

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.PHONY: demo
demo: $(RUN) ## Run the main job on real input, end to end, and leave it running; TARGET=compose: in containers
	@$(BIN)/python -m deploy.demo run --target $(TARGET)

.PHONY: up
up: $(RUN) ## Start the whole platform on this machine
	@$(BIN)/python -m deploy.local up

.PHONY: status
status: $(RUN) ## Say what runs and where
	@$(BIN)/python -m deploy.local status $$([ ! -e $(DEMO)/running.json ] || echo --directory $(DEMO))

.PHONY: down
down: $(RUN) ## Stop the platform, the demonstration's too
	@$(BIN)/python -m deploy.local down
	@$(BIN)/python -m deploy.local down --directory $(DEMO)

# What decides without I/O is covered whole by the tests that need nothing that runs; all else is
# covered by all tests. Measured are lines and branches.
PURE := contracts/*,services/*/domain.py,services/*/domain/*,services/*/aggregates.py,services/*/programmes/*

.PHONY: unit
unit: $(DEV) ## Run the tests that need nothing that runs: they cover what is pure
	@$(BIN)/coverage run -m pytest -q -m unit
	@$(BIN)/coverage report --include='$(PURE)' --fail-under=100

.PHONY: test
test: unit ## Run every test, on real Kafka and real PostgreSQL
	@if command -v chromium chromium-browser >/dev/null; then others='not unit'; else \
		echo 'Chromium is not installed: the tests that open pages are left out.' >&2; \
		others='not unit and not browser'; fi; \
		$(BIN)/coverage run --append -m pytest -q -m "$$others"
	@$(BIN)/coverage report --omit='$(PURE)' --fail-under=90

.PHONY: chaos
chaos: $(DEV) ## Play 60 seeded faults (SEED=…) and check that nothing is lost or doubled
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED))

.PHONY: scenarios
scenarios: $(DEV) ## Play every scenario under every schedule (SCENARIO=… SCHEDULE=…)
	@$(BIN)/python -m tests.scenarios $(if $(SCENARIO),--scenario '$(SCENARIO)') \
		$(if $(SCHEDULE),--schedule '$(SCHEDULE)') \
		$(if $(SCENARIO)$(SCHEDULE),,--report docs/scenarios.md)

.PHONY: env
env: $(RUN) ## Write deploy/.env, with fresh passwords and keys, for docker compose
	@$(BIN)/python -m deploy.compose env

TESTS ?= tests
.PHONY: test-containers
test-containers: $(DEV) ## Run the tests that need Kafka and PostgreSQL on those of compose.yaml, in containers
	@TEST_BACKEND=testcontainers $(BIN)/python -m pytest -q -m 'stack or containers' $(TESTS)

.PHONY: bench-law
bench-law: $(DEV) ## Measure the law: people judged one by one, in columns, again, and simulated
	@$(BIN)/python -m tests.load.law

.PHONY: bench
bench: $(DEV) ## Measure the registration pipe against the obvious way and a bare one; QUICK=1: less
	@$(BIN)/python -m tests.load.bench $(if $(QUICK),--quick)

.PHONY: match
match: $(DEV) ## Measure who is who: labelled sets, folds, fresh people, look-alikes
	@$(BIN)/python -m tests.load.matching quality

.PHONY: bench-match
bench-match: $(DEV) ## Measure who is who in a registry of a million people
	@$(BIN)/python -m tests.load.matching speed

.PHONY: check
check: $(DEV) ## Everything that is checked without running the platform
	@$(call step,lint,$(BIN)/ruff check .)
	@$(call step,format,$(BIN)/ruff format --check .)
	@$(call step,types,$(BIN)/mypy)
	@$(call step,imports,$(BIN)/lint-imports --no-logo)
	@$(call step,unused code,$(BIN)/vulture)
	@$(call step,dependencies,$(BIN)/deptry .)
	@$(call step,architecture,$(BIN)/python -m pytest -q tests/architecture)
	@$(call step,contracts,$(BIN)/python -m deploy.contracts check)

.PHONY: contracts
contracts: $(DEV) ## Prove that nothing published breaks, and that generated files are fresh
	@$(BIN)/python -m deploy.contracts check

.PHONY: contracts-generate
contracts-generate: $(DEV) ## Write the JSON Schemas and the AsyncAPI document anew
	@$(BIN)/python -m deploy.contracts generate

.PHONY: contracts-publish
contracts-publish: $(DEV) ## Freeze what is new in the contracts as published
	@$(BIN)/python -m deploy.contracts publish

.PHONY: docs-contracts
docs-contracts: $(DEV) ## Build the page of all events, readable without the net
	@$(BIN)/python -m deploy.contracts page

.PHONY: lock
lock: $(DEV) ## Lock the dependencies of pyproject.toml anew; pins that still fit stay
	@$(compile) --output-file requirements.txt
	@$(compile) --group dev --constraint requirements.txt --output-file requirements-dev.txt

.PHONY: setup
setup: $(DEV) ## Install everything into .venv, the tools of the tests included

$(BIN)/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Hamroh needs Python 3.11 or newer: install python3.11, or say make PYTHON=<path>.' >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'Python lacks its venv module: install the package python3-venv.' >&2; exit 1; }
	@$(call step,virtual environment,$(PYTHON) -m venv $(VENV))
	@$(call step,uv (pip serves too),{ $(BIN)/python -m pip install --quiet uv==$(UV_VERSION) || true; })

# What is installed to develop contains what is needed to run.
$(RUN): requirements.txt | $(BIN)/python
	@[ $(DEV) -nt requirements-dev.txt ] || { $(call step,packages to run,{ $(call install,$<); }); }
	@touch $@

$(DEV): requirements-dev.txt | $(BIN)/python
	@$(call step,packages to run and to test,{ $(call install,$<); })
	@touch $(RUN) $@
