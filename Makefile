# make help lists what there is. Needs GNU make, git and Python >= 3.11; the rest is fetched, see tests/lab.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV ?= uv
# Of make bench.
SIZE ?= 1000,5000
NOVA ?= 50
RATE ?= 200
LANES := PYTHONPATH=tests $(BIN)/python -m lanes

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# $(call timed,NAME,COMMAND): a line before, a line with the seconds after.
define timed
	@begin=$$(date +%s); echo "==> $(1)"; \
	if $(2); then echo "<== $(1): $$(( $$(date +%s) - begin )) s"; \
	else echo "<== $(1) FAILED after $$(( $$(date +%s) - begin )) s"; exit 1; fi
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

TESTS := unit manifests contract component crash e2e load hostile
.PHONY: $(TESTS)
unit: ## Tests that need nothing
manifests: ## CRDs, deploy/ and the API server agree
contract: ## Each adapter against what it adapts
component: ## The operator against a real API server
crash: ## The operator killed at every point that matters
e2e: ## A real API server, a real Nova, and Waldur's double
load: ## A small burst of moves within its budgets
hostile: ## A healthy tenant beside each neighbour that may harm it, and every backend before a hostile cloud
$(TESTS): venv
	@$(LANES) $@

.PHONY: lab-test
lab-test: venv ## The lab proves itself
	@$(LANES) lab

.PHONY: prepare
prepare: venv ## Build and install what the lab needs (the first time about 9 minutes)
	$(call timed,lab in the cache,PYTHONPATH=tests $(BIN)/python -m lab prepare)

.PHONY: test
test: venv ## Everything above side by side, each lane to its end, with coverage and one table at the end
	@$(BIN)/coverage erase
	@$(LANES)

.PHONY: quick
quick: venv ## Lint, types, imports and unit tests: a minute, without servers
	@$(LANES) lint types imports unit

# A variable, because a comma between the parentheses of $(call …) would end the argument.
PURE_FILES = operator/osmig/domain/*,operator/osmig/drivers/*/policy/*,operator/osmig/drivers/servers/records.py

# After make test, which calls it.
.PHONY: coverage
coverage: venv
	@$(BIN)/coverage combine --quiet
	$(call timed,coverage,$(BIN)/coverage report --skip-covered --show-missing)
	$(call timed,coverage of the domain,$(BIN)/coverage report --skip-covered --show-missing \
	  --include='$(PURE_FILES)' --fail-under=100)

.PHONY: bench
bench: venv prepare ## osmig against its budgets (docs/benchmarks.md); SIZE=1000,5000 NOVA=50, 0 for none; RATE=200
	$(call timed,bench,PYTHONPATH=tests $(BIN)/python -m load.bench --size $(SIZE) --nova $(NOVA) --rate $(RATE))

.PHONY: bench-plans
bench-plans: venv prepare ## A plan against its budgets: 1,000 servers of a scripted cloud, 100 of the real Nova; about 12 minutes
	$(call timed,plan on a scripted cloud,PYTHONPATH=tests $(BIN)/python -m load.plans)
	$(call timed,drain of the real Nova,PYTHONPATH=tests $(BIN)/python -m load.drain)

.PHONY: neighbours
neighbours: venv prepare ## What each neighbour costs a healthy tenant (docs/security.md); COUNT=50 ONLY='"hang" "none"'
	$(call timed,neighbours,PYTHONPATH=tests $(BIN)/python -m hostile --count $(or $(COUNT),50) $(ONLY))

.PHONY: lab
lab: venv ## A real API server, a real Nova and a double of Waldur to play with, until Ctrl-C
	PYTHONPATH=tests $(BIN)/python -m lab up

.PHONY: demo
demo: venv ## The story of five moves, a replication, a list of mailboxes and an emptied host in the lab; ONCE=1 ends after it
	ONCE=$(ONCE) PYTHONPATH=tests $(BIN)/python -m lab.demo

.PHONY: crds
crds: venv ## Write crds/ anew from the models, and its copy in charts/
	$(BIN)/osmig crds --output-dir crds
	PYTHONPATH=tests $(BIN)/python -m manifests.chart_files

.PHONY: charts
charts: venv ## Write anew what charts/ and deploy/ have from elsewhere, and the golden files
	PYTHONPATH=tests $(BIN)/python -m manifests.chart_files
	PYTHONPATH=tests $(BIN)/python -m manifests.golden_files

.PHONY: picture
picture: venv ## Draw docs/dashboard.svg anew: moves on the lab's Nova, asked of a real Prometheus (two minutes)
	PYTHONPATH=tests $(BIN)/python -m e2e_picture

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' operator/osmig/__init__.py)
IMAGE ?= osmig:$(VERSION)
LAB := PYTHONPATH=tests $(BIN)/python -m lab

.PHONY: image
image: ## The image, by docker, podman or buildah; IMAGE=name:tag, ENGINE=podman, PYTHON_IMAGE=python@sha256:...
	$(call timed,image $(IMAGE),image/build.sh $(IMAGE))

.PHONY: image-test
image-test: venv ## The image built twice without a registry, and run (root, buildah, debootstrap; the first time 10 min)
	$(call timed,image-test,$(BIN)/python -m pytest -q -rs tests/image)

.PHONY: wheel
wheel: venv ## The wheel, in dist/
	$(call timed,wheel,SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .)

.PHONY: package-charts
package-charts: ## The charts, in dist/; needs Helm 4
	$(call timed,charts,helm package charts/osmig-crds charts/osmig --destination dist)

.PHONY: sbom
sbom: venv ## The bill of materials of the image, as CycloneDX, in dist/
	@mkdir -p dist
	$(call timed,sbom,$(LAB) sbom dist/osmig.cdx.json)

COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

# The image gets what it needs of the same versions: without what only development needs, and what builds the wheel.
.PHONY: lock
lock: ## Write requirements*.lock anew (needs uv); UPGRADE=1 takes newer versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra dev --output-file requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements.lock --no-annotate --output-file requirements.image.lock
	sed -n 's/^requires = \["\(.*\)"\].*/\1/p' pyproject.toml | $(COMPILE) - --constraint requirements.lock \
	  --no-annotate --output-file requirements.build.lock
	$(COMPILE) tests/lab/checker_sources/requirements.in --no-annotate \
	  --output-file tests/lab/checker_sources/requirements.txt

.PHONY: clean
clean: ## Remove everything made here; the lab's cache stays
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
