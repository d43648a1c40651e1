# What whoever clones this runs: `make demo` shows the main job, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
FUZZ_STAMP := $(VENV)/installed-fuzz

.PHONY: help demo test units shells cassettes peers coverage lint format bench memory kill fuzz corpus clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: $(STAMP)  ## record, show, replay and rewrite a real dialogue
	$(BIN)/python -m tests.demo

# With --jobs=2 they run side by side; those that wait most come first.
test: lint peers units shells cassettes  ## everything: lint, formatting, types, tests

SHELLS := tests/net tests/tools
CASSETTES := tests/cassette tests/reports tests/log tests/private

units: $(STAMP)  ## the tests of the core, and of how it is put together
	$(BIN)/python -m pytest --ignore=tests/peers $(SHELLS:%=--ignore=%) $(CASSETTES:%=--ignore=%)

shells: $(STAMP)  ## the tests of what does input and output
	$(BIN)/python -m pytest $(SHELLS)

cassettes: $(STAMP)  ## the tests of cassettes, and of what is kept besides
	$(BIN)/python -m pytest $(CASSETTES)

peers: $(STAMP)  ## the tests with real clients and servers
	$(BIN)/python -m pytest tests/peers

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

memory: $(STAMP)  ## what hostile peers cost in memory, a connection (Linux)
	$(BIN)/python -m bench.memory

kill: $(STAMP)  ## kill recordings at every call and at 1,000 random moments: nothing may be lost
	$(BIN)/python -m tests.cassette.killing --times 1000 --most-seconds 300

FUZZ_SECONDS ?= 10
# 0 takes another one each time.
FUZZ_SEED ?= 0
FUZZ_TARGETS := commands replies maildata chunks paths session
# One target; what is found lies beside its folder of .fuzz, and its path is said.
FUZZ := $(BIN)/python -m tests.fuzz.one $$target -verbosity=0 -artifact_prefix=.fuzz/$$target-

$(FUZZ_STAMP): $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	touch $@

fuzz: $(FUZZ_STAMP)  ## coverage-guided fuzzing, FUZZ_SECONDS for each target; what is found lies in .fuzz
	$(BIN)/python -m tests.fuzz.seeding .fuzz/seeds
	@set -e; for target in $(FUZZ_TARGETS); do echo "fuzzing $$target"; mkdir -p .fuzz/$$target; \
	$(FUZZ) -seed=$(FUZZ_SEED) -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -timeout=60 -print_final_stats=1 \
	-dict=tests/fuzz/tokens.dict .fuzz/$$target tests/fuzz/corpus/$$target .fuzz/seeds/$$target; done

# Where the octets go round in loops there are too many counts to keep one of each.
corpus: $(FUZZ_STAMP)  ## keep as few inputs as reach what seeds, corpus and .fuzz reach
	$(BIN)/python -m tests.fuzz.seeding .fuzz/seeds
	rm -rf .fuzz/merged
	@set -e; for target in $(FUZZ_TARGETS); do mkdir -p .fuzz/$$target \
	.fuzz/merged/$$target tests/fuzz/corpus/$$target; \
	case $$target in commands|chunks|session) counters=0 ;; *) counters=1 ;; esac; \
	$(FUZZ) -set_cover_merge=1 -use_counters=$$counters -max_len=512 .fuzz/merged/$$target \
	tests/fuzz/corpus/$$target .fuzz/$$target .fuzz/seeds/$$target; done
	rm -rf tests/fuzz/corpus; mv .fuzz/merged tests/fuzz/corpus

clean:  ## drop what was built
	rm -rf $(VENV) build dist *.egg-info demo .coverage .fuzz
