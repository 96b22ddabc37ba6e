# Two commands are all one needs: `make run` and `make test`. Both set everything up, once.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input --constraint constraints.txt
RUN_READY := $(VENV)/.ready-to-run
TEST_READY := $(VENV)/.ready-to-test

# The first Python of this machine that is new enough; `make run PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

NOT_INSTALLED := { echo "The packages could not be installed (the reason stands above). Is this machine online, with 8 GB free?"; exit 1; }

.PHONY: run test check lint clean

run: $(RUN_READY)  ## Start the bot: on Discord if a token is set, else in a local page
	@exec $(BIN)/python -m bot run

# The kills take two minutes and hardly any computing, so they run beside the other tests.
KILLS := tests/bot/test_killed.py

test: $(TEST_READY) lint  ## Pass all tests
	@$(BIN)/python -m pytest -p no:cacheprovider $(KILLS) >$(VENV)/kills.log 2>&1 & kills=$$!; \
	$(BIN)/python -m pytest --ignore=$(KILLS) --numprocesses=2 --dist=loadfile; others=$$?; \
	wait $$kills; killed=$$?; cat $(VENV)/kills.log; \
	test $$others = 0 && test $$killed = 0

lint: $(TEST_READY)
	@echo "-- Style, types and contracts"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: $(RUN_READY)  ## Tell what is wrong, with the fix
	@exec $(BIN)/python -m bot check

clean:  ## Take the virtual environment away
	rm -rf $(VENV)

# Torch comes first and alone: any package that asks for it later finds it there and leaves it alone.
$(RUN_READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing. Please install it from python.org or with your package manager."; exit 1; }
	@echo "-- 1 of 3: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "-- 2 of 3: torch, by far the largest package"
	@$(PIP) torch==2.13.0 || $(NOT_INSTALLED)
	@echo "-- 3 of 3: the other packages, a minute or two"
	@$(PIP) --quiet --editable . || $(NOT_INSTALLED)
	@touch $@

$(TEST_READY): $(RUN_READY) pyproject.toml constraints.txt
	@echo "-- The packages for tests and training, a minute or two"
	@$(PIP) --quiet --editable '.[dev]' || $(NOT_INSTALLED)
	@touch $@
