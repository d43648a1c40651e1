# What whoever clones this runs: `make demo` shows the main job, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: help demo test coverage lint format bench fuzz clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: $(STAMP)  ## record, show, replay and rewrite a real dialogue
	$(BIN)/python -m tests.demo

test: $(STAMP) lint  ## everything: lint, formatting, types, tests
	$(BIN)/python -m pytest

coverage: $(STAMP)  ## every line and branch of smtpproxy/smtp must be run by tests/smtp
	$(BIN)/coverage run -m pytest tests/smtp
	$(BIN)/coverage report

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)  ## let ruff lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## the proxy beside plain port-forwarders, as ratios
	$(BIN)/python -m bench

FUZZ_SECONDS ?= 10
FUZZ_TARGETS := commands replies maildata chunks paths session

fuzz: $(STAMP)  ## coverage-guided fuzzing, FUZZ_SECONDS for each target; what is found lies in .fuzz
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	set -e; for target in $(FUZZ_TARGETS); do mkdir -p .fuzz/$$target; \
	$(BIN)/python -m tests.fuzz.one $$target -max_total_time=$(FUZZ_SECONDS) -max_len=2048 \
	-verbosity=0 -dict=tests/fuzz/tokens.dict -artifact_prefix=.fuzz/$$target- .fuzz/$$target; done

clean:  ## drop what was built
	rm -rf $(VENV) build dist *.egg-info demo .coverage .fuzz
