# The developer's loop. Needs Python >= 3.11, make and git; everything else goes into .venv.
# TORCH_INDEX: where pip looks for torch besides its usual index, e.g. for the CPU build
# https://download.pytorch.org/whl/cpu

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
TESTS ?=
BENCH ?=

export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench bench-rnn bench-families bench-evidence bench-mutation bench-resume bench-structure clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' \
		| awk -F'|' '{ printf "  make %-15s %s\n", $$1, $$2 }'

demo: $(VENV)/.base ## distil the example networks, show programs and evidence
	$(BIN)/python -m examples.demo

test: $(VENV)/.dev ## run the tests; TESTS=tests/test_cli.py for some of them
	$(BIN)/python -m pytest -n 2 $(TESTS)

lint: $(VENV)/.dev ## check style (ruff) and types (pyright)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.dev ## rewrite the files in the house style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(VENV)/.docs ## build the documentation site in docs/_build; a warning is an error
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build

bench: $(VENV)/.bench ## run the benchmark suite, print its tables; BENCH="--quick" for less
	$(BIN)/python -m benchmarks.run $(BENCH)

bench-rnn: $(VENV)/.bench ## the same for the recurrent networks; BENCH="--task parity" for some
	$(BIN)/python -m benchmarks.rnn.run $(BENCH)

bench-families: $(VENV)/.bench ## other cells, tasks, sizes, noise; BENCH="--family cells" for one
	$(BIN)/python -m benchmarks.rnn.families $(BENCH)

bench-evidence: $(VENV)/.bench ## try to break verifiers and checker; BENCH="--trials 2000" for less
	$(BIN)/python -m benchmarks.evidence.run $(BENCH)

bench-structure: $(VENV)/.bench ## look for structure that is known, and prepare real-data networks
	$(BIN)/python -m benchmarks.structure.run
	$(BIN)/python -m benchmarks.structure.programs
	$(BIN)/python -m benchmarks.structure.known_programs
	$(BIN)/python -m benchmarks.structure.repeats
	$(BIN)/python -m benchmarks.structure.cost
	$(BIN)/python -m benchmarks.structure.prepare
	$(BIN)/python -m benchmarks.structure.digits

bench-resume: $(VENV)/.bench ## kill runs at random moments, and go on with them
	$(BIN)/python -m benchmarks.resume

bench-mutation: $(VENV)/.mutation ## change the code behind proofs: do tests notice? BENCH="--files a.py"
	$(BIN)/python -m benchmarks.mutation.run $(BENCH)

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build docs/_build dist *.egg-info *.distilled .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is rebuilt when what it installs changes. torch goes first and pinned: with it in place
# nothing else asks for another build of it.
$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.11 to 3.13 found; set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.base
	$(PIP) -e '.[docs]'
	@touch $@

$(VENV)/.bench: $(VENV)/.base
	$(PIP) -e '.[bench,ml]'
	@touch $@

$(VENV)/.mutation: $(VENV)/.dev
	$(PIP) -e '.[mutation]'
	@touch $@
