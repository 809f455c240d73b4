# Everything runs in .venv, built from pyproject.toml and constraints.txt when one of them is
# newer than the stamp; the Python that builds it is not changed.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: help compare test docs coverage lint format clean
.DELETE_ON_ERROR:

help:
	@echo "make compare   train the same models here and in PyTorch and TensorFlow, and compare"
	@echo "               every step; options: make compare ARGS='--tasks gates --dtype float32'"
	@echo "make test      run the tests; options: make test ARGS='-k batches -x'"
	@echo "make docs      run the code in README.md and docs/, and the examples, as tests"
	@echo "make coverage  the tests, and which lines of the library they did not reach"
	@echo "make lint      ruff (rules and format) and mypy; make format: let ruff write"
	@echo "make clean     remove .venv and all caches"
	@echo "Another Python (3.11 or newer): make compare PYTHON=python3.12"

compare: $(STAMP)
	@$(PY) -m compare $(ARGS)

# Two workers, each with one thread: more of either only makes them wait for one another. Each takes
# one half of the files, so that a framework is mostly imported by one of them, then what is left.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(PY) -m pytest -n 2 --dist worksteal
PAGES := tests/test_readme.py tests/test_package.py tests/examples

test: $(STAMP)
	$(PYTEST) $(addprefix --ignore=,$(PAGES)) $(ARGS)

docs: $(STAMP)
	$(PYTEST) $(PAGES) $(ARGS)

coverage: $(STAMP)
	rm -f .coverage .coverage.*
	$(ONE_THREAD) $(PY) -m coverage run -m pytest -n 2 $(ARGS)
	$(PY) -m coverage combine -q
	$(PY) -m coverage report

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(STAMP)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first and alone, because only PyTorch's own index has it for Linux without CUDA
# (2.13.0+cpu). Where that index cannot be reached pip says so and takes torch from its usual
# places. The stamp is the last step: an interrupted install starts again.
CPU_INDEX := https://download.pytorch.org/whl/cpu

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
	  "error: $(PYTHON) is not Python 3.11 or newer; write: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@rm -f $@
	$(PYTHON) -m venv $(VENV) || { \
	  echo "trying without ensurepip, which Debian and Ubuntu keep in a package of its own"; \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(PY) install pip; }
	$(PY) -m pip install --no-deps --retries 1 --timeout 20 \
	  --extra-index-url $(CPU_INDEX) -c constraints.txt torch
	$(PY) -m pip install -c constraints.txt -e '.[compare,test]'
	@touch $@
