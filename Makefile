# `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEVELOPING := $(VENV)/.developing
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test check lint bench mutants histories golden validate determinism clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 15) else "Python 3.11 to 3.14 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(DEVELOPING): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(READY)  ## set up if needed, run scenarios/quickstart.yaml, print its summary and where the figures are
	$(BIN)/feitian run scenarios/quickstart.yaml

test: lint  ## everything that CI runs: lint, types, layers, the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

check: test  ## the same as test

lint: $(DEVELOPING)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEVELOPING)  ## speed against yardsticks in the same process: one table that says which aim is met
	$(BIN)/python -m tests.benchmarks

mutants: $(DEVELOPING)  ## plant every bug and hunt it: found by which invariant, after how many seeds, how small
	$(BIN)/python -m tests.mutants

histories: $(DEVELOPING)  ## the checker of linearizability against brute force: 200,000 small histories
	$(BIN)/python -m tests.checking.agreement

golden: $(DEVELOPING)  ## run every shipped scenario and refresh results/reference/
	$(BIN)/python -m tests.golden

validate: $(READY)  ## run every validation scenario: simulated beside published
	$(BIN)/feitian validate

determinism: $(DEVELOPING)  ## the same digest under other hash seeds, Pythons, processors and libraries: a table
	$(BIN)/python -m feitian_sim.experiments.determinism

clean:  ## remove what was built and run (the reference results stay)
	rm -rf $(VENV) .venv-3.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} +
