# Every target first sets up what it needs; an environment that is up to date is reused.

DATA ?=
OUTPUT ?= runs
ARGS ?=

# A small simulated data set for users without data. The file that is written last shows whether
# it is complete.
SIMULATED := simulated

.DEFAULT_GOAL := help
.PHONY: help setup data run notebook test test-slow test-long test-faults engines engine test-engines test-next \
  test-all image test-image lint lock sbom audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Build .venv
	@scripts/setup.sh

data: setup ## Download the published data set to seti/, for make run DATA=seti
	@.venv/bin/radio-signals data download seti

run: setup ## Run the pipeline on DATA=dir, or on simulated data; ARGS="--epochs 20" adds options
	@$(if $(DATA),:,test -f $(SIMULATED)/validation/labels.csv || \
	  .venv/bin/radio-signals data simulate $(SIMULATED) --train 1600 --validation 400 --overwrite)
	@.venv/bin/radio-signals run --data '$(or $(DATA),$(SIMULATED))' --output '$(OUTPUT)' $(ARGS)

# Without DATA, the notebooks choose the data themselves.
notebook: setup ## Open JupyterLab on the notebooks; DATA=dir and OUTPUT=dir as for run
	@cd notebooks && RADIO_SIGNALS_DATA='$(if $(DATA),$(abspath $(DATA)))' \
	  RADIO_SIGNALS_OUTPUT='$(abspath $(OUTPUT))' ../.venv/bin/jupyter-lab $(ARGS)

# The tests of a file share one process; at most four processes, because each takes 2 GB.
PYTEST := .venv/bin/python -m pytest @tests/parallel-options.txt
QUICK := not slow and not long and not faults and not engines
SLOW := slow and not long and not engines
LONG := long and not engines

test: setup ## Run the quick tests; ARGS="-k reader" adds options
	@$(PYTEST) -m "$(QUICK)" $(ARGS)

test-slow: setup ## Run the tests that take tens of seconds
	@$(PYTEST) -m "$(SLOW)" $(ARGS)

test-long: setup ## Run the tests that take minutes
	@$(PYTEST) -m "$(LONG)" $(ARGS)

test-faults: setup ## Kill, damage and fuzz for two hours; MINUTES=20 is the time of the fuzzing
	@RADIO_SIGNALS_FUZZ_MINUTES=$(or $(MINUTES),20) .venv/bin/python -m pytest -s \
	  -m "faults or not faults" tests/faults $(ARGS)

# What the tests start, in .cache/engines.
engines: setup
	@scripts/engines.sh

test-engines: engines ## Run the pipeline on a real Flink, Spark and SeaweedFS; needs root, Java 17, Maven, Go
	@.venv/bin/python -m pytest -m engines $(ARGS)

engine: setup ## Start the same Flink or Spark, ENGINE=flink or spark, until Ctrl-C; needs what the tests need
	@scripts/engines.sh $(ENGINE)
	@.venv/bin/python -m tests.engines $(ENGINE)

# ARGS comes last, so that it takes precedence, for example with another -m.
test-next: ## Run the quick tests on the TFX 1.21 line, in a Debian 13 system of their own; needs root
	@scripts/test-next.sh $(ARGS)

test-all: lint ## Run every test on both TFX lines, and the image: before a release; needs root
	@for tests in "$(QUICK)" "$(SLOW)" "$(LONG)"; do \
	  $(PYTEST) -m "$$tests" $(ARGS) && scripts/test-next.sh -m "$$tests" $(ARGS) || exit 1; done
	@scripts/test-image.sh

image: ## Build the container image with docker, podman or buildah
	@scripts/build-image.sh $(ARGS)

test-image: ## Build the image from nothing and run tasks in it; needs root
	@scripts/test-image.sh

lint: setup ## Check style, types, the rule of dependencies, dead code and generated pages
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/vulture
	@.venv/bin/python -m pipeline.config.reference --check docs/configuration.md

# The image's lock leaves out what only developers and notebooks need. Both are written from one
# resolution.
EXPORT := .tools/uv/bin/uv export --quiet --no-emit-project --no-header \
  --format requirements-txt --python .venv/bin/python
lock: setup ## Resolve requirements.lock and requirements-image.lock again from pyproject.toml
	@.tools/uv/bin/uv lock --quiet --upgrade --python .venv/bin/python
	@$(EXPORT) --all-groups --output-file requirements.lock
	@$(EXPORT) --no-default-groups --no-annotate --output-file requirements-image.lock

# Tools for a release have environments of their own, so that no lock contains them.
TOOL := env PYTHONWARNINGS=ignore UV_CACHE_DIR=$(or $(UV_CACHE_DIR),$(CURDIR)/.cache/uv) \
  .tools/uv/bin/uv tool run --quiet
sbom: setup ## Write sbom/: the packages of both TFX lines and of the image, as CycloneDX files
	@mkdir -p sbom
	@set -e; for each in requirements.lock,3.10 requirements.lock,3.13 requirements-image.lock,3.13; do \
	  lock=$${each%,*} python=$${each#*,}; file=sbom/$${lock%.lock}-python$$python.cdx.json; \
	  .venv/bin/python scripts/locked_packages.py $$lock $$python | \
	    $(TOOL) --from cyclonedx-bom==7.1.0 cyclonedx-py requirements - --pyproject pyproject.toml \
	    --output-reproducible --output-file $$file; echo "$$file"; done

audit: setup ## Search the code for insecure calls, and the locked packages for known vulnerabilities
	@$(TOOL) --from 'bandit[toml]==1.9.4' bandit --quiet --configfile pyproject.toml --recursive \
	  pipeline components trainer data
	@.venv/bin/python scripts/audit.py $(TOOL) --from pip-audit==2.10.1 pip-audit $(ARGS)

clean: ## Remove environment and caches, not data or results
	@rm -rf .venv .tools .cache .pytest_cache .ruff_cache
