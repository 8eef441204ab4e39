# The one door. `make help` lists what is behind it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

TOOLS := .tools/uv
UV := $(TOOLS)/bin/uv
PY := .venv/bin/python
BOT := bot/.venv/bin/python -m bot.run
export UV_PYTHON_PREFERENCE ?= managed
export PYTHONPATH := $(CURDIR)

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

.PHONY: run test train shell lint format validate clean help env

help: ## what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: env web/dist/.stamp ## the whole stack on this machine (demo mode)
	@exec $(PY) -m chebao run

test: env web/dist/.stamp ## everything: format, lint, types, import rules, all tests
	@$(MAKE) --no-print-directory lint
	@$(BOT) train
	@$(BOT) validate
	@cd web && $(NPM) test --silent
	@cd bot && ../$(PYTEST_BOT)
	@$(PY) -m pytest
	@$(BOT) test core --stories tests/dialogue/stories --fail-on-prediction-errors

train: env ## train the assistant if config, domain or data changed
	@$(BOT) train

shell: env ## talk to the assistant in the terminal, without hub and channels
	@$(PY) -m chebao shell

validate: env ## check domain, rules, stories and training data
	@$(BOT) validate

lint: env ## format check, lint, types, import rules
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@cd web && $(NPM) run lint --silent

format: env ## format Python and TypeScript
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

clean: ## remove state, environments and builds
	rm -rf .chebao .venv bot/.venv web/node_modules web/dist models $(TOOLS)

env: .venv/.stamp bot/.venv/.stamp

$(UV):
	@echo "Preparing uv …"
	@python3 -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet --disable-pip-version-check "uv==0.13.9" \
	  || { rm -rf $(TOOLS); echo "Could not install uv: is the package index reachable?" >&2; exit 1; }

.venv/.stamp: $(UV) pyproject.toml uv.lock
	@echo "Preparing the application's environment …"
	@$(UV) sync --frozen || { echo "The application's environment could not be made (see above)." >&2; exit 1; }
	@touch $@

bot/.venv/.stamp: $(UV) bot/pyproject.toml bot/uv.lock
	@echo "Preparing Rasa's environment …"
	@$(UV) sync --frozen --project bot || { echo "Rasa's environment could not be made (see above)." >&2; exit 1; }
	@touch $@

web/dist/.stamp: .venv/.stamp $(WEB_SOURCES)
	@echo "Building the web pages …"
	@$(PY) -m tools.web build
	@touch $@
