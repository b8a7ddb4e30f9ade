# Two commands matter: `make demo` and `make test`. Both do all the set-up themselves.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Compiled tests are kept: compiling takes half a minute of processor time in each run, and again in each process it starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow check format setup clean

demo: .venv/.ready
	$(BIN)/python -m examples.demo

test: check .venv/.npm
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: .venv/.ready .venv/.npm
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile --timeout 900

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: .venv/.ready .venv/.npm

.venv/.ready: pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) scripts/setup.sh
	touch $@

.venv/.npm: package-lock.json .venv/.ready
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf .venv node_modules demo-output
