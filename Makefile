# Every target sets up by itself what it needs; the second time that takes no time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test check format soak bench pictures docs wheel lock clean

HOST ?= 127.0.0.1
PORT ?= 8000
# Further arguments for pytest, such as ARGS="-k merkle -x".
ARGS ?=
BIN := .venv/bin

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup:  ## make .venv with .venv/bin/muniment in it
	@deploy/setup.sh run

run: setup  ## serve the sample organisation and print one sign-in link for each role
	@$(BIN)/muniment demo --host $(HOST) --port $(PORT)

test:  ## run the whole suite
	@deploy/setup.sh test
	$(BIN)/pytest -n auto --dist loadfile -m "not soak" $(ARGS)

check:  ## lint, formatting, types, architecture
	@deploy/setup.sh check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks deploy/*.py
	$(BIN)/lint-imports

format:  ## write the formatting that check expects
	@deploy/setup.sh check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# pytest exits with 5 where no test bears the marker: nothing has failed then.
soak:  ## run what takes long
	@deploy/setup.sh test
	$(BIN)/pytest -m soak $(ARGS) || [ $$? -eq 5 ]

bench:  ## measure, and compare with the numbers in docs/
	@deploy/setup.sh test
	@for file in benchmarks/[!_]*.py; do echo "== $$file"; PYTHONPATH=. $(BIN)/python "$$file" || exit; done

pictures:  ## draw docs/pictures/*.svg from the .dot files beside them
	@deploy/setup.sh run
	@for file in docs/pictures/*.dot; do dot -Tsvg "$$file" -o "$${file%.dot}.svg"; done

docs:  ## write what is generated into the documentation
	@deploy/setup.sh check
	$(BIN)/python -m tests.generated_docs

wheel: check  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

UV = $(or $(shell command -v uv),.venvs/uv/bin/uv)
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock:  ## resolve the locks again from pyproject.toml, keeping the versions that still fit
	@deploy/setup.sh check
	$(COMPILE) pyproject.toml --extra sample --group build -o locks/run.txt >/dev/null
	$(COMPILE) pyproject.toml --extra sample --group build --group dev -c locks/run.txt -o locks/dev.txt >/dev/null
	@for file in locks/*.in; do [ -e "$$file" ] || continue; $(COMPILE) "$$file" -o "$${file%.in}.txt" >/dev/null || exit; done

clean:  ## remove what was set up and built; the store in var/ stays
	rm -rf .venv .venvs dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
