# make help lists what there is. Needs GNU make, git and Python >= 3.11; the rest is fetched, see tests/lab.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST ?= $(BIN)/python -m pytest
UV ?= uv
BEGIN := $(shell date +%s)
LOGS ?=
# Of make bench.
SIZE ?= 1000,5000
NOVA ?= 50
RATE ?= 200
# What computes runs beside what waits for Nova; then the end-to-end tests, and the crash tests, whose scenes run side by
# side themselves.
LANES := unit+manifests+component+lab-test+load contract
# The end-to-end tests in two lanes, each with an API server, an operator and a Nova of its own.
E2E_LANES := e2e-moves e2e-rest
MOVES := $(addprefix tests/e2e/test_e2e_,$(addsuffix .py,alerts limits modes policies process reapply resilience sequences))

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# $(call timed,NAME,COMMAND): a line before, a line with the seconds after.
define timed
	@begin=$$(date +%s); echo "==> $(1)"; \
	if $(2); then echo "<== $(1): $$(( $$(date +%s) - begin )) s"; \
	else echo "<== $(1) FAILED after $$(( $$(date +%s) - begin )) s"; exit 1; fi
endef

# $(call tested,NAME[,ARGUMENTS]): the tests of the folder NAME, or those that pytest's arguments choose; with LOGS=DIR
# only their last line is shown, or all of a failure, and the run shares neither cache nor temporary folders with one
# beside it: at its end pytest tidies both up, and what goes wrong then fails a run whose tests have passed.
define tested
	$(call timed,tests/$(1),$(if $(LOGS),\
	  { $(PYTEST) -q -p no:cacheprovider --basetemp=$(LOGS)/$(1).tmp $(or $(2),tests/$(1)) >$(LOGS)/$(1).log 2>&1 && \
	    tail -n 1 $(LOGS)/$(1).log; } || { cat $(LOGS)/$(1).log; false; },\
	  $(PYTEST) -q $(or $(2),tests/$(1))))
endef

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.13 VENV=.venv313 chooses another interpreter."

.PHONY: venv
venv: $(READY) ## The development environment in .venv, from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "osmig needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	$(call timed,environment in $(VENV),$(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .)
	@touch $@

.PHONY: lint
lint: venv ## ruff: rules and format
	$(call timed,lint,$(BIN)/ruff check && $(BIN)/ruff format --check)

.PHONY: types
types: venv ## mypy
	$(call timed,types,$(BIN)/mypy)

.PHONY: imports
imports: venv ## The layers of docs/architecture.md
	$(call timed,imports,$(BIN)/lint-imports --no-logo)

.PHONY: unit
unit: venv ## Tests that need nothing
	$(call tested,unit)

.PHONY: manifests
manifests: venv ## CRDs, deploy/ and the API server agree
	$(call tested,manifests)

.PHONY: contract
contract: venv ## Each adapter against what it adapts
	$(call tested,contract)

.PHONY: component
component: venv ## The operator against a real API server
	$(call tested,component)

.PHONY: crash
crash: venv ## The operator killed at every point that matters
	$(call tested,crash)

.PHONY: e2e
e2e: $(E2E_LANES) ## A real API server, a real Nova, and Waldur's double

.PHONY: $(E2E_LANES)
e2e-moves: venv
	$(call tested,e2e-moves,$(MOVES))

e2e-rest: venv
	$(call tested,e2e-rest,$(filter-out $(MOVES),$(wildcard tests/e2e/test_*.py)))

.PHONY: lab-test
lab-test: venv ## The lab proves itself
	$(call tested,lab)

.PHONY: load
load: venv ## A small burst of moves within its budgets
	$(call tested,load)

.PHONY: prepare
prepare: venv ## Build and install what the lab needs (the first time about 6 minutes)
	$(call timed,lab in the cache,PYTHONPATH=tests $(BIN)/python -m lab prepare)

.PHONY: test
test: venv prepare lint types imports ## Everything above, with coverage
	@$(BIN)/coverage erase
	@rm -rf build/logs && mkdir -p build/logs
	@$(MAKE) --no-print-directory --jobs 2 $(addprefix lane-,$(LANES)) LOGS=build/logs PYTEST='$(BIN)/coverage run -m pytest'
	@$(MAKE) --no-print-directory --jobs 2 e2e LOGS=build/logs PYTEST='$(BIN)/coverage run -m pytest'
	@$(MAKE) --no-print-directory crash LOGS=build/logs PYTEST='$(BIN)/coverage run -m pytest'
	@$(BIN)/coverage combine --quiet
	$(call timed,coverage,$(BIN)/coverage report --skip-covered --show-missing)
	$(call timed,coverage of the domain,$(BIN)/coverage report --include='operator/osmig/domain/*' --fail-under=100 >build/logs/domain-coverage.log || \
	  { cat build/logs/domain-coverage.log; false; })
	@echo "make test: $$(( $$(date +%s) - $(BEGIN) )) s"

# lane-A+B: one after the other
.PHONY: $(addprefix lane-,$(LANES))
$(addprefix lane-,$(LANES)):
	@for step in $(subst +, ,$(@:lane-%=%)); do \
	  $(MAKE) --no-print-directory $$step LOGS='$(LOGS)' PYTEST='$(PYTEST)' || exit 1; done

.PHONY: bench
bench: venv prepare ## osmig against its budgets (docs/benchmarks.md); SIZE=1000,5000 NOVA=50, 0 for none; RATE=200
	$(call timed,bench,PYTHONPATH=tests $(BIN)/python -m load.bench --size $(SIZE) --nova $(NOVA) --rate $(RATE))

.PHONY: lab
lab: venv ## A real API server, a real Nova and a double of Waldur to play with, until Ctrl-C
	PYTHONPATH=tests $(BIN)/python -m lab up

.PHONY: demo
demo: venv ## The story of five moves and a replication in the lab; ONCE=1 ends after it
	ONCE=$(ONCE) PYTHONPATH=tests $(BIN)/python -m lab.demo

.PHONY: crds
crds: venv ## Write crds/ anew from the models
	$(BIN)/osmig crds --output-dir crds

.PHONY: lock
lock: ## Write requirements.lock anew (needs uv); UPGRADE=1 takes newer versions
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet $(if $(UPGRADE),--upgrade) --output-file requirements.lock

.PHONY: clean
clean: ## Remove everything made here; the lab's cache stays
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
