# Every target sets up what it needs first; an environment that is there is used as it is.

DATA ?=
OUTPUT ?= runs
ARGS ?=

# A small simulated set, for whoever has no data at hand. Its last file to appear is the one
# that tells whether it is complete.
SIMULATED := simulated

.DEFAULT_GOAL := help
.PHONY: help setup run notebook test test-slow lint lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Build .venv
	@scripts/setup.sh

run: setup ## Run the pipeline on DATA=dir, or on simulated data; ARGS="--epochs 20" adds options
	@$(if $(DATA),:,test -f $(SIMULATED)/validation/labels.csv || \
	  .venv/bin/radio-signals data simulate $(SIMULATED) --train 1600 --validation 400 --overwrite)
	@.venv/bin/radio-signals run --data '$(or $(DATA),$(SIMULATED))' --output '$(OUTPUT)' $(ARGS)

# Without DATA the notebooks choose by themselves.
notebook: setup ## Open JupyterLab on the notebooks; DATA=dir and OUTPUT=dir as for run
	@cd notebooks && RADIO_SIGNALS_DATA='$(if $(DATA),$(abspath $(DATA)))' \
	  RADIO_SIGNALS_OUTPUT='$(abspath $(OUTPUT))' ../.venv/bin/jupyter-lab $(ARGS)

test: setup ## Run the quick tests; ARGS="-k reader" adds options
	@.venv/bin/python -m pytest -m "not slow" $(ARGS)

test-slow: setup ## Run the tests that take minutes
	@.venv/bin/python -m pytest -m slow $(ARGS)

lint: setup ## Check style
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

lock: setup ## Resolve requirements.lock anew from pyproject.toml
	@.tools/uv/bin/uv lock --quiet --upgrade --python .venv/bin/python
	@.tools/uv/bin/uv export --quiet --no-emit-project --all-groups --no-header \
	  --format requirements-txt --python .venv/bin/python --output-file requirements.lock

clean: ## Remove environment and caches, not data or results
	@rm -rf .venv .tools .cache .pytest_cache .ruff_cache
