# Few doors: `make` lists them. uv and everything else is brought into the checkout; nothing outside it is touched.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
UV := .tools/bin/uv
UV_VERSION := 0.13.8
RUN := $(UV) run --frozen
# Hundreds of processes import the same files; each is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check types lint promises suite pages bench docs clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

$(UV):
	@echo "Bringing uv $(UV_VERSION) into .tools"
	@$(PYTHON) -m venv .tools 2>/dev/null && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
	  || { rm -rf .tools && $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv==$(UV_VERSION); }

setup: $(UV) ## Install the locked dependencies into .venv
	@$(UV) sync --frozen --quiet

demo: setup ## Start the demo: three answered questions, the page, the client configuration
	@$(RUN) mcp-gateway demo || test $$? -eq 130

check: setup ## Lint, strict types, layer contracts, house rules
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types lint promises

types:
	@$(RUN) mypy

lint:
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) lint-imports

promises:
	@$(RUN) pytest tests/promises

# In this order, two at a time: the suite takes longest, and what is done beside it has the cores that it leaves while it waits.
test: setup ## Everything that must hold before a change lands
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line suite types lint promises pages

# Tests wait for processes, stores and limits half of the time: so many workers keep two cores busy.
suite:
	@$(RUN) pytest --ignore=tests/promises --ignore=tests/browser --numprocesses=3 --dist=loadfile

# Apart: the event loop of the browser's driver would disturb asynchronous tests.
pages:
	@$(RUN) pytest tests/browser --numprocesses=1 --dist=loadfile

bench: setup ## Measure every promise on speed and accuracy; writes docs/benchmarks.md
	@$(RUN) python -m bench.all

docs: setup ## Write the generated reference pages anew
	@$(RUN) python scripts/write_reference.py

clean: ## Remove what the targets made
	@rm -rf .tools .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .state
