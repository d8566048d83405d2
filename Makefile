# What a developer does here, one target each. `make help` lists them.
SHELL := /bin/bash
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin/
SOURCES := agent/src agent/build_walker.py agent/walker server/src server/build_frontend.py tests tools labs
ARGS ?=
SECONDS ?= 10
REQUESTS ?= 100000
CASES ?=
ZOO ?=
ROUNDS ?= 200

.DEFAULT_GOAL := help
.PHONY: help setup demo test check sanitize fuzz fuzz-http fuzz-api fix api golden docs explanations bench chaos accuracy secrets

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: .venv/.ready ## Make .venv with everything in it

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/.ready: uv.lock pyproject.toml agent/pyproject.toml agent/build_walker.py $(wildcard agent/walker/*) server/pyproject.toml server/frontend/package-lock.json | $(filter .tools/%,$(UV))
	$(UV) sync --frozen --quiet
	@touch $@

demo: setup ## Run a small shop that leaks, watch it, be alerted; ARGS="--for 90s" ends it by itself
	$(RUN)bugsly demo $(ARGS)

test: setup ## Run the tests; ARGS="-k name" picks some
	$(RUN)pytest -n 2 --durations=10 $(ARGS)

check: setup ## Run what must be clean before a commit: format, lint, types, layers, sizes, names
	$(RUN)ruff format --check --quiet .
	$(RUN)ruff check --quiet .
	$(RUN)mypy $(wildcard $(SOURCES))
	$(RUN)lint-imports --no-cache
	$(RUN)python tools/size_limits.py $(wildcard $(SOURCES))
	$(RUN)python tools/name_rules.py $(wildcard $(SOURCES))

sanitize: setup ## Test the heap walker in C with ASan and UBSan, and with warnings as errors
	$(RUN)python -m tools.sanitize

fuzz: setup ## Hold the readers of hostile input to their laws for SECONDS each; ARGS=markdown picks one
	$(RUN)python -m tools.fuzz --seconds $(SECONDS) $(ARGS)

fuzz-http: setup ## Send a real server REQUESTS that are almost right, and write docs/security.md
	$(RUN)python -m tools.fuzz.http --requests $(REQUESTS) --write $(ARGS)

fuzz-api: setup ## Hold a real server to its own description, /openapi.json
	$(RUN)python -m tools.fuzz.api_conformance $(ARGS)

fix: setup ## Format, and fix what ruff can fix by itself
	$(RUN)ruff check --fix --quiet . || true
	$(RUN)ruff format --quiet .

docs: setup ## Write the pages of docs/ that follow from the code
	$(RUN)python -m tools.docs_pages

explanations: setup ## Run code that fails and write down what Bugsly says, in docs/explanations.md
	$(RUN)python -m tools.explanations

api: setup ## Write down the public names after a change of them
	$(RUN)python -m tools.public_api

golden: setup ## Write down what others rely on, as keys of JSON, after a change of it
	$(RUN)python -m tools.golden

bench: setup ## Measure cost and speed next to peers, and write docs/benchmarks.md
	$(RUN)python -m tools.bench $(ARGS)

chaos: setup ## Kill, fill, damage and confuse a server under load, and write docs/security.md; ROUNDS=5 ARGS="--seed 1"
	$(RUN)python -m tools.chaos --rounds $(ROUNDS) $(ARGS)

accuracy: setup ## Say how often bugsly doctor is right, and write docs/accuracy.md; CASES="prices ujson_*" picks some
	$(RUN)python -m tools.accuracy --cases "$(CASES)" --zoo "$(ZOO)" $(ARGS)

secrets: setup ## Count which planted secrets come through, next to peers, and write the table of docs/security.md
	$(RUN)python -m tools.secret_scrubbing

check-judged: setup ## Say how often bugsly check is right, beside other tools, and write its tables into docs/check.md
	$(RUN)python -m tools.check_judged $(ARGS)
