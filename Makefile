# Everything starts from Python 3.11+ and make: `make run` and `make test` set up what they need.
# Another interpreter: make setup PYTHON=python3.12
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup
BOTH := --numprocesses 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
unexport PYTHONDONTWRITEBYTECODE  # where it is set, each process that a test starts compiles what it imports anew

.PHONY: help setup setup-newer browser postgres mosquitto run lab test tests test-quick test-newer test-long lint bench front docs screenshots notebooks constraints clean

help: ## Say what each target does
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

setup: $(STAMP) ## Make .venv with the pinned packages (again only after pyproject.toml or constraints.txt changed)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1): the workbench needs Python 3.11 or newer. Name one: make setup PYTHON=python3.11." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment: ensurepip is missing. On Debian or Ubuntu: apt-get install python3-venv." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

browser: $(STAMP) ## Find Chromium, or install it: apt-get where that can be used, else Playwright's download
	@for name in chromium chromium-browser google-chrome; do if command -v $$name >/dev/null; then exit 0; fi; done; \
	root=; if [ "$$(id -u)" != 0 ]; then root='sudo -n'; fi; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null && $$root apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq chromium; then exit 0; fi; \
	$(BIN)/playwright install chromium

run: $(STAMP) ## The main job on the demo fleet, then the dashboard
	$(BIN)/workbench run

lab: $(STAMP) ## JupyterLab on the notebooks
	$(BIN)/workbench lab

postgres: ## Install PostgreSQL, for tests of the maintenance database and the index, where apt-get can be used
	@if command -v pg_ctl >/dev/null || ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1; then exit 0; fi; \
	root=; if [ "$$(id -u)" != 0 ]; then root='sudo -n'; fi; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null && $$root apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq postgresql; then exit 0; fi; \
	echo "PostgreSQL is not here and cannot be installed: its tests are skipped." >&2

mosquitto: ## Install mosquitto, for tests of live telemetry over MQTT, where apt-get can be used
	@if command -v mosquitto >/dev/null || ls /usr/sbin/mosquitto /usr/local/sbin/mosquitto >/dev/null 2>&1; then exit 0; fi; \
	root=; if [ "$$(id -u)" != 0 ]; then root='sudo -n'; fi; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null && $$root apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq mosquitto; then exit 0; fi; \
	echo "mosquitto is not here and cannot be installed: its tests are skipped." >&2

test: lint tests ## Lint, then every test: notebooks and apps as committed, then pytest, two files at a time

tests: $(STAMP) browser postgres mosquitto
	$(BIN)/python -m pytest $(BOTH) --nbval notebooks
	rm -rf build/apps
	WORKBENCH_HOME=$(CURDIR)/build/apps $(BIN)/python -m pytest $(BOTH) --nbval-lax apps
	$(BIN)/python -m pytest $(BOTH)

test-long: $(STAMP) ## The slower round that make test leaves out: long fuzzing, many kills
	$(BIN)/python -m pytest $(BOTH) -m long

test-quick: $(STAMP) ## The quick round: no browser, no training of LSTMs; as make test-quick PYTHON=python3.12 VENV=.venv312
	$(BIN)/python -m pytest $(BOTH) -m "not browser and not slow" $(ROUND)

test-newer: ## The quick round, every fourth test and its first case, on Python 3.13 in .venv313, where that is: on PATH, or pyenv's
	+@$(call on_newer,test-quick ROUND='--first-cases --every 4')

setup-newer: ## Make .venv313 for test-newer
	+@$(call on_newer,setup)

define on_newer
for python in python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then \
		PIP_NO_COMPILE=1 exec $(MAKE) $(1) PYTHON="$$python" VENV=.venv313; fi; done; \
echo "Python 3.13 is not here: the quick round on it is skipped." >&2
endef

lint: $(STAMP) ## ruff, mypy and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## Speed and memory beside their targets
	$(BIN)/python -m benchmarks

front: ## Build the dashboard's front end anew from frontend/, where Node.js is: into workbench/dashboard/static
	cd frontend && npm ci --no-audit --no-fund && npm run build

docs: $(STAMP) ## The guide and the Python reference as pages, build/docs/index.html; warnings are errors
	rm -rf build/docs docs/reference
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --doctree-dir build/doctrees --builder html docs build/docs
	@echo "build/docs/index.html"

screenshots: $(STAMP) browser ## Take the pictures of the documentation anew, on the demo fleet
	$(BIN)/python -m docs.screenshots

notebooks: $(STAMP) ## Execute the notebooks anew as they are committed: without the copy of BokehJS in their output
	$(BIN)/jupyter nbconvert --to notebook --inplace --execute --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb
	$(BIN)/jupyter nbconvert --to notebook --inplace --TagRemovePreprocessor.enabled=True \
		--TagRemovePreprocessor.remove_all_outputs_tags=bokehjs --TagRemovePreprocessor.remove_all_outputs_tags=view notebooks/*.ipynb

constraints: ## Pin the newest versions that pyproject.toml allows; what is pinned for some Pythons only stays so
	rm -rf build/resolve
	$(PYTHON) -m venv build/resolve
	build/resolve/bin/python -m pip install --quiet '.[dev]'
	build/resolve/bin/python -m pip freeze --all --exclude pip --exclude telemetry-workbench | $(PYTHON) -c \
		"import re, sys; pairs = sorted((re.sub('[-_.]+', '-', line.split('==')[0]).lower(), line.split('==')[1]) for line in sys.stdin); \
		some = {line.split('==')[0]: line[line.index(';'):].strip() for line in open('constraints.txt') if ';' in line}; \
		print(*('=='.join(pair).strip() + some.get(pair[0], '') for pair in pairs), sep='\n')" > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/resolve

clean: ## Remove what make made; data stays
	rm -rf $(VENV) .venv313 build dist docs/reference .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find workbench tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
