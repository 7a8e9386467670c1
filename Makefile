# The commands of this project; what they need is seen to by packaging/setup.sh. `make help` lists them.
#
#   make run ARGS="--port 5648"      arguments for the program
#   make test PYTEST_ARGS="-k ring"  arguments for pytest
#   make bench BENCH_ARGS=--quick    arguments for tests/bench: --runs 5, --only posted,idle, --quick
#   make soak SOAK_SEED=17           the seed of the first of its kills
#   make bundle DIST=/tmp/out        the folder that `make dist` and `make bundle` build into, instead of dist/
#   make run PYTHON=python3.12       the Python to make .venv with; asked for once, when there is no .venv

ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
SOAK_SEED ?= 1
export PYTHON DIST

.DEFAULT_GOAL := help
.PHONY: run test soak lint bench dist bundle deb install-desktop uninstall-desktop clean help

run: ## Open the window; without a display, run the hub in this terminal
	@sh packaging/setup.sh run
	@exec .venv/bin/desktop-logs $(ARGS)

test: ## Run the whole test suite; needs no screen
	@sh packaging/setup.sh test
	@exec .venv/bin/python -m pytest $(PYTEST_ARGS)

soak: ## Let the hub fail for long: 50 kills, faults of disk and network, 200 cuts, stopped viewers, 10 minutes of harm at random, properties by chance; 50 minutes
	@sh packaging/setup.sh test
	@exec env DESKTOP_LOGS_SEED=$(SOAK_SEED) DESKTOP_LOGS_ROUNDS=50 DESKTOP_LOGS_LOCKED_S=30 DESKTOP_LOGS_AWAY_S=60 \
		DESKTOP_LOGS_FROZEN_S=120 DESKTOP_LOGS_CUTS=200 DESKTOP_LOGS_FUZZ_S=600 \
		.venv/bin/python -m pytest -s --timeout 900 tests/faults tests/handlers/test_hub_away.py tests/net/test_cuts.py $(PYTEST_ARGS)
	.venv/bin/python -m pytest -q --timeout 900 -m hypothesis --hypothesis-profile chance --hypothesis-seed $(SOAK_SEED) \
		$(PYTEST_ARGS)

lint: ## Check style, format and types
	@sh packaging/setup.sh test
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy

bench: ## Measure the window beside its peers; half an hour, prints the table of the README
	@sh packaging/setup.sh bench
	@exec .venv/bin/python -m tests.bench $(BENCH_ARGS)

dist: ## Build the source archive and the wheel that pip installs, into dist/
	@sh packaging/bundle.sh dist

bundle: ## Build dist/desktop-logs/, a folder that runs without Python, and its archive with a checksum
	@sh packaging/bundle.sh bundle

deb: bundle ## Build the bundle, and a Debian package of it with its checksum
	@sh packaging/setup.sh deb
	@exec .venv/bin/python packaging/deb.py "$${DIST:-dist}/desktop-logs" "$${DIST:-dist}"

install-desktop: ## Put the program of this checkout into the menu of your Linux desktop
	@sh packaging/setup.sh run
	@exec .venv/bin/desktop-logs install-desktop

uninstall-desktop: ## Take it out of the menu again
	@sh packaging/setup.sh run
	@exec .venv/bin/desktop-logs install-desktop --remove

clean: ## Remove what the other commands made
	rm -rf .venv .venv-cutelog .venv-dist .venv-bundle build dist tests/node/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):[ a-z]* ## \(.*\)/  make \1 #\2/p' Makefile | sed 's/ #/\t/'
