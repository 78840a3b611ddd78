SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

# Any Python 3.11 or 3.12 will do: `make study PYTHON=/some/python3.12`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
NOTEBOOKS = $(wildcard studies/*.ipynb)
BENCHMARKS = $(sort $(wildcard tests/benchmarks/bench_*.py))
BROWSER_TESTS = $(wildcard tests/browser/test_*.py)
STRIP = $(BIN)/nbstripout --keep-id --extra-keys "metadata.papermill cell.metadata.papermill"

# Quick tests; all others are long. What drives a browser, installs from nothing or takes longest has its own targets.
QUICK := not slow and not notebook and not browser and not install
LONG := (slow or notebook) and not browser and not install and not exhaustive
LONG_FILES = $(shell grep -rlE 'mark\.(slow|notebook)|from crossing' tests --include='test_*.py')

# $(call timed,what,command): run one step, say what it is, how long it took, and how long processors worked on it.
timed = @echo "--- $(1)"; TIMEFORMAT="    $(1): %0R s; CPU time %0U s, and %0S s in the system"; time { $(2); }

.PHONY: help study studies test test-exhaustive test-browser test-versions test-chaos bench lab lab-build format check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

study: .venv/.installed ## run the core studies at the quick profile and say what they found (14 minutes of CPU time, again 2)
	$(call timed,studies,$(BIN)/influencelab run --core --profile quick)

studies: .venv/.installed ## the same of all studies, those of what influence is used for too
	$(call timed,studies,$(BIN)/influencelab run --all --profile quick)

test: check ## check format, types, layers and notebooks, then run the quick tests, then the long ones (17 minutes of CPU time)
	$(call timed,quick tests,$(BIN)/pytest -m "$(QUICK)")
	$(call timed,long tests,$(BIN)/pytest -m "$(LONG)" $(LONG_FILES))

check: .venv/.installed
	$(call timed,format,$(BIN)/ruff format --check .)
	$(call timed,lint,$(BIN)/ruff check .)
	$(call timed,types,$(BIN)/pyright --warnings)
	$(call timed,layers,$(BIN)/lint-imports)
	$(if $(NOTEBOOKS),$(call timed,stripped notebooks,$(STRIP) --verify $(NOTEBOOKS)))

test-exhaustive: .venv/.installed ## run what `make test` leaves out for its length (17 minutes of CPU time)
	$(call timed,exhaustive tests,$(BIN)/pytest -m exhaustive $(LONG_FILES))

test-browser: .venv/.installed ## drive JupyterLab in Chromium (installed by apt if it is missing and you are root)
ifeq ($(BROWSER_TESTS),)
	@echo "tests/browser holds no test yet: nothing to drive."
else
	@$(CHROMIUM)
	$(call timed,browser tests,$(BIN)/pytest -m browser tests/browser)
endif

test-versions: .venv/.installed ## install from checkout, wheel and sdist, and drive every JupyterLab from 4.2 on (half an hour)
	@$(CHROMIUM)
	$(call timed,installations,$(BIN)/pytest -m install)
	$(call timed,versions,$(BIN)/python tests/support/lab_versions.py)

test-chaos: .venv/.installed ## kill, stop and starve a small study at fifty random moments (a quarter of an hour)
	$(call timed,incidents,$(BIN)/python tests/support/incidents.py 50 $(or $(SEED),0))

bench: .venv/.installed ## run every benchmark, side by side with its competitor, and print times and memory
ifeq ($(BENCHMARKS),)
	@echo "tests/benchmarks holds no benchmark yet: nothing to time."
else
	@for file in $(BENCHMARKS); do echo "--- $$file"; $(BIN)/python "$$file"; done
endif

lab: .venv/.installed ## open JupyterLab in studies/
	@$(BIN)/influencelab lab

lab-build: .venv/.installed ## build the panel's page side again after a change in influencelab/app/lab/ui (needs node)
	@command -v node >/dev/null || { echo "node is missing: it is needed to build the panel, not to use it." >&2; exit 1; }
	$(call timed,panel,$(BUILD_PANEL))

format: .venv/.installed ## format the code, mend what the linter can, strip the notebooks
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(if $(NOTEBOOKS),$(STRIP) $(NOTEBOOKS))

clean: ## remove .venv and caches; results stay
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The kernel is registered inside .venv only. Build tools follow the pins too: older pips read the first variable
# for them, newer ones the second.
.venv/.installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || { \
		echo "influencelab needs Python 3.11 or 3.12; found: $$("$(PYTHON)" --version 2>&1 || true)." >&2; \
		echo "Say where one is: make $(firstword $(MAKECMDGOALS)) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(call timed,install,$(INSTALL))
	@touch $@

define CHROMIUM
command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; } \
	|| { echo "Chromium is missing, and only root can install it here: install your system's chromium." >&2; exit 1; }; \
command -v chromium >/dev/null || { apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; }
endef

# Not in the package, whose folders would then hold the thousand files of node. pip copies what it installs, so again.
define BUILD_PANEL
rm -rf build/lab/ui/{src,style,lib} build/lab/labextension; mkdir -p build/lab; \
cp -R influencelab/app/lab/ui build/lab/; \
(cd build/lab/ui; PATH="$(CURDIR)/$(BIN):$$PATH"; jlpm install --immutable; jlpm build); \
rm -rf influencelab/app/lab/labextension; cp -R build/lab/labextension influencelab/app/lab/; \
$(BIN)/python -m influencelab.app.lab.stamp; rm .venv/.installed
endef

define INSTALL
$(BIN)/python -m pip --version &>/dev/null || "$(PYTHON)" -m venv .venv; \
export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1; \
$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all]'; \
$(BIN)/python -m ipykernel install --sys-prefix --name python3 --display-name influencelab >/dev/null
endef
