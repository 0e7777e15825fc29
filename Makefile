# `make help` lists everything. A fresh clone needs git, make and Python 3.11 or later; the rest is fetched.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
WORKERS ?= 2

.PHONY: help setup tools demo test soak check format lock goldens words wheel clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## a .venv with everything pinned by hash

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; say make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

tools: $(STAMP)  ## what some tests need beside Python packages: Chromium, OpenDKIM, mail servers (Debian), html-validate, caniemail
	sh tests/tools.sh

demo: $(STAMP)  ## the whole morning on sample news, then its desk until Ctrl-C (DEMO_ARGS=--no-serve: without)
	$(BIN)/newsletter demo $(DEMO_ARGS)

test: $(STAMP) tools  ## every test, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TEST_ARGS)

soak: $(STAMP) tools  ## the long stories at their full count
	$(BIN)/python -m pytest --soak tests/stories tests/security tests/web/test_flood.py tests/web/desk/test_edition_two.py $(TEST_ARGS)

check: $(STAMP)  ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## put the code in its usual shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP)  ## pin the dependencies again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra postgres --group dev --upgrade pyproject.toml --output-file requirements.lock

goldens: $(STAMP)  ## write the golden mails anew; say in the commit why they changed
	$(BIN)/python -m tests.render.goldens
	$(BIN)/python -m tests.mail.goldens

words: $(STAMP)  ## write new sentences into the catalogues of newsletter/locales
	$(BIN)/python -m tests.catalogues

wheel: $(STAMP)  ## build the wheel into dist/
	$(BIN)/python -m hatchling build --target wheel

clean:  ## remove what make made
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis demo
