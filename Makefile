# make run: install once, then serve the dashboard. make test: everything the tests need, then all of them (the slow ones where CI is set).
VENV := .venv
PYTHON := $(VENV)/bin/python
SYSTEM_PYTHON ?= python3

.PHONY: run test check lines format features screenshots reproduce bench soak space clean
.DELETE_ON_ERROR:

run: $(VENV)/installed models/dinov2-small/config.json
	@$(PYTHON) app.py

test: $(VENV)/installed-tests models/dinov2-small/config.json
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(CI),,-m "not slow") $(ARGS)

check: $(VENV)/installed-tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# Lines by room, against what each may have.
lines:
	@$(SYSTEM_PYTHON) tests/lines.py $(ARGS)

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

# What the default backbone makes of the drawn pictures, which comes with them.
features: $(VENV)/installed models/dinov2-small/config.json
	$(PYTHON) -m emotion.training.shipped

screenshots: $(VENV)/installed-tests models/dinov2-small/config.json
	$(PYTHON) tests/take_screenshots.py
	$(PYTHON) tests/take_screenshots.py --film assets/first-minute.webp

# The whole experiment, drawn or with PHOTOS=DIR, as a page and a JSON in docs/results.
reproduce: $(VENV)/installed models/dinov2-small/config.json
	$(PYTHON) -m emotion reproduce $(if $(PHOTOS),--photos $(PHOTOS))

# How fast this is, into docs/results/speed.md; ARGS="--photos DIR --peer FILE" adds what cannot be handed on.
bench: $(VENV)/installed-tests models/dinov2-small/config.json
	PYTHONPATH=.:tests $(PYTHON) -m benchmarks $(ARGS)

# The fuzz tests, longer than in test; then visitors at a real server while everything goes wrong, into docs/results/soak.md.
SECONDS ?= 600
soak: $(VENV)/installed-tests models/dinov2-small/config.json
	EMOTION_FUZZ_SECONDS=$$(($(SECONDS) / 20)) $(PYTHON) -m pytest tests/data/test_fuzzing.py
	PYTHONPATH=.:tests $(PYTHON) tests/soak/soak.py --seconds $(SECONDS) $(ARGS)

# The folder to push as a Hugging Face Space, into ./space; the command that pushes it is printed.
space: $(VENV)/installed
	@$(PYTHON) -m emotion space $(ARGS)

clean:
	rm -rf $(VENV) models .mypy_cache .pytest_cache .ruff_cache
