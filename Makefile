# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
LETTERS ?= 50000
READERS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help .venv dev run test quick check lint format lock inventory bench eval pictures clean

help: ## list the targets
	@grep -hE '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z.]+):.*## (.*)/\1\t\2/' | expand -t 14

.venv: .venv/installed ## set up the environment, nothing else

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; say which: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

dev: .venv/installed-dev ## set up what tests and checks need as well

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: .venv/installed ## run everything on this machine: pages, scheduler, sender, mail catcher
	@exec $(BIN)/flask serve

test: .venv/installed-dev ## run all tests (T=path for some)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(T)

quick: .venv/installed-dev ## run the tests that take under two seconds each
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow" $(T)

lint: .venv/installed-dev ## ruff format and lint, mypy --strict, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## everything that must hold before a commit

format: .venv/installed-dev ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/installed-dev ## resolve requirements*.in into the locked files
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt

inventory: .venv/installed ## print the locked packages with versions and licences (CycloneDX JSON)
	@$(BIN)/python .ci/inventory.py

bench: .venv/installed-dev ## measure sign-up, attacks on it, signing, sending and scale; figures go to instance/bench, tables into docs
	mkdir -p instance/bench
	$(BIN)/python bench/signup.py --json instance/bench/signup.json
	$(BIN)/python bench/bombing.py --into docs/abuse.md
	$(BIN)/python bench/feeds.py --into docs/wire.md
	$(BIN)/python bench/dkim.py --json instance/bench/dkim.json
	$(BIN)/python bench/imports.py --readers $(READERS) --into docs/imports.md
	$(BIN)/python bench/consents.py --readers $(READERS) --json instance/bench/consents.json --into docs/proof.md
	$(BIN)/python bench/send.py --letters $(LETTERS) --json instance/bench/send.json
	$(BIN)/python bench/table.py instance/bench/send.json --into docs/performance.md
	$(BIN)/python bench/scale.py --readers $(READERS) --json instance/bench/scale.json
	$(BIN)/python bench/table.py instance/bench/scale.json --into docs/scaling.md
	$(BIN)/python bench/personal.py --json instance/bench/personal.json --into docs/digests.md

eval: .venv/installed-dev ## measure on corpora beside the repository how mail, feeds and pages are read, articles classified, grouped and mailed; tables into docs
	$(BIN)/python bench/bounces.py --into docs/bounces.md
	$(BIN)/python bench/feed_labels.py --into docs/wire.md
	$(BIN)/python bench/extraction.py --into docs/wire.md
	$(BIN)/python bench/topics.py --into docs/topics.md
	$(BIN)/python bench/stories.py --into docs/stories.md
	$(BIN)/python bench/week.py --letters instance/week --into docs/digests.md

pictures: .venv/installed-dev ## take the pictures of the README anew (Chromium)
	$(BIN)/python bench/pictures.py --into docs/pictures

clean: ## remove the environment (instance/ stays: it holds keys and readers)
	rm -rf .venv
