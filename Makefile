# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint notebooks bench table test-colab torture clean badges

demo: $(STAMP)
	$(BIN)/python -m icon_nb --dataset digits --save_epoch_gifs

test: $(VENV)/.installed-test
	$(BIN)/ruff check icon_nb tests benchmarks notebooks
	ICON_NB_STRICT=1 $(BIN)/python -m pytest -q
	ICON_NB_STRICT=1 $(BIN)/python -m pytest -q -c notebooks/pytest.ini --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks

$(BIN)/python:
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 10), 'icon_nb needs Python 3.10 or newer'"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e .
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[test]"
	touch $@ $(STAMP)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check icon_nb tests benchmarks notebooks

clean:
	rm -rf $(VENV) build dist *.egg-info
