# make run: install once, then serve the dashboard. make test: everything the tests need, then all of them.
VENV := .venv
PYTHON := $(VENV)/bin/python
SYSTEM_PYTHON ?= python3

.PHONY: run test check format screenshots clean
.DELETE_ON_ERROR:

run: $(VENV)/installed models/dinov2-small/config.json
	@$(PYTHON) app.py

test: $(VENV)/installed-tests models/dinov2-small/config.json
	$(PYTHON) -m pytest $(if $(CI),,-m "not slow") $(ARGS)

check: $(VENV)/installed-tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(VENV)/installed-tests
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# A stamp is as new as the list it installed, so that nothing is asked of pip until a list changes.
$(VENV)/installed: requirements.txt
	@$(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer: install it, or name one, as in make run SYSTEM_PYTHON=python3.11" >&2; exit 1; }
	$(SYSTEM_PYTHON) -m venv $(VENV)
	$(PYTHON) -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed tests/requirements.txt
	$(PYTHON) -m pip install --quiet -r tests/requirements.txt
	@touch $@

models/dinov2-small/config.json: | $(VENV)/installed
	$(PYTHON) -m emotion backbones pull dinov2-small

screenshots: $(VENV)/installed-tests models/dinov2-small/config.json
	$(PYTHON) tests/browser/take_screenshots.py

clean:
	rm -rf $(VENV) models .mypy_cache .pytest_cache .ruff_cache
