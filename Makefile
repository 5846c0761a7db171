# Every target makes the virtual environment in .venv on first use, and again only what a change asks for.
# Arguments are passed on: make league ARGS='--minutes 3 --headless', make test ARGS='-k ratings'.

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?=
ARGS   ?=
SPECS  := pyproject.toml constraints.txt
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup league test lint bench clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@echo "  Arguments are passed on: make league ARGS='--minutes 3 --headless'"

setup: $(VENV)/.dev ## make .venv with everything that running and developing need

league: $(VENV)/.runtime ## train a self-play league from nothing, rate it and show it
	@$(BIN)/arena league $(ARGS)

test: $(VENV)/.dev ## run the tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 $(ARGS)

lint: $(VENV)/.dev ## check style, types and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/pyright

bench: $(VENV)/.peers ## measure the arena against its peers, side by side
	@$(BIN)/arena bench $(ARGS)

clean: ## remove .venv and every cache; runs and databases stay
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find arena agents envs leagues tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python of at least 3.11 that can make virtual environments; PYTHON=... names another.
$(VENV)/.made:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making $(VENV) with $$("$$python" --version)."; \
	        "$$python" -m venv $(VENV) && touch $@; exit; \
	    fi; \
	done; \
	echo "No Python of version 3.11 or later with the venv module was found: install one, or name it with make PYTHON=/path/to/python." >&2; \
	exit 1

$(VENV)/.runtime: $(VENV)/.made $(SPECS)
	@echo "Installing what the arena needs into $(VENV): about a minute on a fast connection."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(SPECS)
	@echo "Installing what the arena, its tests and its checks need into $(VENV): about a minute on a fast connection."
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.runtime $@

$(VENV)/.peers: $(VENV)/.made $(SPECS)
	@echo "Installing the arena and the peers that its benchmarks compare with into $(VENV)."
	@$(PIP) --editable '.[peers]'
	@touch $(VENV)/.runtime $@
