# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Tests run in so many processes, each on one thread: two threads in each would wait for each other.
WORKERS ?= 2
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile
TESTING := ICON_NB_STRICT=1 OMP_NUM_THREADS=1

# Where a torch without CUDA comes from, if that is wanted: make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
define cpu_torch
$(if $(TORCH_INDEX),$(1) install -q torch torchvision --index-url $(TORCH_INDEX))
endef

.PHONY: demo test lint notebooks bench table test-colab torture clean badges student types test-wheel test-friends test-python docs accessibility release-check claims slides sheets

demo: $(STAMP)
	$(BIN)/python -m icon_nb --save_epoch_gifs

test: $(VENV)/.installed-test
	$(BIN)/ruff check icon_nb tests benchmarks notebooks
	$(TESTING) $(BIN)/python -m pytest -q $(SIDE_BY_SIDE)
	$(TESTING) $(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -c notebooks/pytest.ini --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks

$(BIN)/python:
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'icon_nb needs Python 3.11 or newer'"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

$(STAMP): pyproject.toml | $(BIN)/python
	$(call cpu_torch,$(BIN)/python -m pip)
	$(BIN)/python -m pip install -q -e .
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[test]"
	touch $@ $(STAMP)

# What a type checker says of the public names, and that it catches mistakes; one that pip brings whole and that needs no network.
types: $(VENV)/.installed-test
	$(BIN)/python -m pip install -q "basedpyright>=1.29"
	$(BIN)/python -m tests.type_checks.check

# The wheel and the sdist as a stranger gets them: built, installed into an empty environment elsewhere, and used. Some minutes.
test-wheel: $(VENV)/.installed-test
	$(BIN)/python -m pip install -q "build>=1.2"
	TORCH_INDEX=$(TORCH_INDEX) $(BIN)/python tests/wheel.py

# The documentation site, in build/site, as it can be put on any static host. Needs no network but pip's.
docs: $(VENV)/.installed-test
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[docs]"
	OMP_NUM_THREADS=1 $(BIN)/python docs/build_site.py

# The pages of the site, but the API reference, through axe in Chromium; needs node, and npm's registry once.
accessibility: docs
	npm install --silent --no-fund --no-audit --prefix build/axe axe-core puppeteer-core
	CHROMIUM=$$(command -v chromium || command -v chromium-browser || command -v google-chrome) node docs/check_accessibility.mjs build/site build/axe

# All that is looked at before a release.
release-check: test types test-wheel accessibility test-friends

# Our adapters on other people's packages, where those take long to install or to start.
test-friends: $(VENV)/.installed-test
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[friends]"
	$(TESTING) $(BIN)/python -m pytest -q -m friends tests

lint: $(VENV)/.installed-test
	$(BIN)/ruff check icon_nb tests benchmarks notebooks

# Every notebook from its source: .py -> .ipynb, executed, outputs kept. `make notebooks ONLY=03` makes those that begin so.
notebooks: $(VENV)/.installed-test badges
	$(BIN)/python notebooks/build.py $(ONLY)
	$(BIN)/python docs/make_index.py

# The Colab badge and set-up cell of every notebook, from [project.urls].
badges: $(VENV)/.installed-test
	$(BIN)/python notebooks/badges.py

# The notebooks without solutions and outputs, for a class, and as a course that nbgrader grades.
student: $(VENV)/.installed-test
	$(BIN)/python notebooks/student.py build/student

# One deck of slides a notebook, from the executed notebooks: every heading begins a slide.
slides: $(VENV)/.installed-test
	$(BIN)/python notebooks/slides.py build/slides

# Every notebook as a page, without scripts, in an untrusted JupyterLab, on GitHub and on paper: pictures and PDF in build/sheets.
sheets: $(VENV)/.installed-test
	$(BIN)/python notebooks/sheets.py

# The suite beside the versions that Colab ships; before a release, not in every CI run.
COLAB := build/colab
test-colab:
	test -x $(COLAB)/bin/python || $(PYTHON) -m venv $(COLAB)
	$(COLAB)/bin/python -m pip install -q -c notebooks/colab-versions.txt -e ".[tsne,umap,dask,video]" pandas pytest pytest-timeout hypothesis nbval nbclient nbconvert jupytext ipykernel
	ICON_NB_STRICT=1 $(COLAB)/bin/python -m pytest -q -m "not oracle and not browser and not friends"
	ICON_NB_STRICT=1 $(COLAB)/bin/python -m pytest -q -c notebooks/pytest.ini --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks

# The suite on another Python that is installed here: make test-python VERSION=3.13
VERSION ?= 3.13
OTHER := build/python$(VERSION)
test-python:
	test -x $(OTHER)/bin/python || python$(VERSION) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install -q -e ".[test]"
	$(TESTING) $(OTHER)/bin/python -m pytest -q $(SIDE_BY_SIDE) -m "not browser and not friends"

# Figures beside a peer in the same run; `make bench` takes up to an hour on two free cores.
bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks all

# The experiments behind the headlines of the notebooks, five seeds each, and their tables in the notebooks; about two hours on a free core.
claims: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.claims all --tables

# Every method: loss and quality before and after, and the distance to its oracle.
table: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.table

# Kills, damage, and settings and data made up by a machine, in full; `make test` has a small part of each.
torture: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.torture.kills --n 210
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.torture.damage --n 1000
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.torture.checkpoints --n 100
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.torture.doors --n 100
	OMP_NUM_THREADS=1 ICON_NB_STRICT=1 ICON_NB_EXAMPLES=50 $(BIN)/python -m pytest -q --timeout=1500 tests/test_properties.py

clean:
	rm -rf $(VENV) build dist *.egg-info
