# make run: a working Deskgate on this machine.  make test: everything that is checked before a change lands.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
# Every test that starts a process, and every start, would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-faults lint unit packages audit clean docs pictures help

help:            ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.run: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "Installing what Deskgate needs (once) ..."
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]'
	@touch $@

run: $(VENV)/.run  ## start Deskgate with the shipped config.toml and say where to go
	@$(BIN)/deskgate serve

test: lint unit  ## lint, types, import contracts and every test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/uv pip check --quiet --python $(BIN)/python

unit: $(VENV)/.dev packages
	$(BIN)/python -m pytest -n $(WORKERS)

test-faults: $(VENV)/.dev  ## break three replicas under load two hundred times (about twenty minutes)
	FAULT_ROUNDS=200 $(BIN)/python -m pytest tests/test_faults.py -s

packages:        ## Debian packages that the browser and mail-server tests drive (skipped where apt-get is missing)
	@sh tests/packages.sh

audit: $(VENV)/.dev  ## ask the index whether any dependency has a known vulnerability (needs the network)
	@sh tests/audit.sh $(VENV)

docs: $(VENV)/.dev  ## write docs/settings.md and the README's command table anew
	$(BIN)/python docs/generate.py

pictures: $(VENV)/.dev packages  ## make docs/images from the running program
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) var dist
