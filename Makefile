# Everything that a person runs. `make run` and `make test` need Python 3.11+ and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test fast check format lint types bench simulate train servers lock clean

install: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	sh .ci/make-venv "$(PYTHON)"
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@

run: install  ## the daemon with the bundled example brand
	$(BIN)/heedful run --example

test: .venv/installed-dev  ## everything, Postgres included
	$(BIN)/python -m pytest -n auto

fast: .venv/installed-dev
	$(BIN)/python -m pytest -n auto -m "not slow and not server"

check: .venv/installed-dev format lint types fast  ## what a developer runs before each commit

format: .venv/installed-dev
	$(BIN)/ruff format --check .

simulate: .venv/installed-dev  ## a month of a busy brand through a fake clock; the last line is JSON
	$(BIN)/python -m tests.simulate

lint: .venv/installed-dev
	$(BIN)/ruff check .

types: .venv/installed-dev
	$(BIN)/mypy

bench: .venv/installed-dev  ## prints a table and writes benchmarks/latest.json
	$(BIN)/python -m benchmarks

train: .venv/installed-dev  ## rebuilds the weights of the signals and their card: make train DATA=../shared/datasets
	$(BIN)/python -m monitor.training --data "$(DATA)" --card docs/model-card.md

servers: .venv/installed-dev  ## real Isso and WordPress for the tests that are marked `server`
	sh tests/servers/install

lock: .venv/installed-dev  ## renew the hashed lock files
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade pyproject.toml .ci/build-requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade pyproject.toml .ci/build-requirements.in --extra dev -o requirements-dev.txt -c requirements.txt

clean:
	rm -rf .venv build dist
