# Two commands do everything on a fresh machine: `make demo` and `make test`.
# They need Python 3.11 or 3.12 with venv, and network access to a package index for the first run.

# The first of these that really runs: a version manager's shim may exist for a Python that does not.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -c "" 2>/dev/null && echo $$p && break; done)
CORE := .venv-core
FULL := .venv-full
RUN := runs/demo
DATA := data/demo
WORKERS ?= 2

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo quickstart bench-sets presets test test-long fuzz test-latest test-oldest lint format lock docs clean apk test-android lint-android

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Bytecode is compiled as pip does it: the suite starts a hundred processes, each of which would compile
# what it imports where Python is told to write none.
# The version check comes first: a wheel that does not exist for this Python fails obscurely.
define environment
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else f"Python 3.11 or 3.12 is needed, this is {v[0]}.{v[1]}; run make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(1)/bin/uv pip install --quiet --compile-bytecode --python $(1)/bin/python --override requirements/overrides.in -r $(2)
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python --no-deps --editable .
	@touch $(1)/ready
endef

$(CORE)/ready: requirements/core.txt pyproject.toml
	$(call environment,$(CORE),requirements/core.txt)

$(FULL)/ready: requirements/all.txt requirements/overrides.in pyproject.toml
	$(call environment,$(FULL),requirements/all.txt)

demo: $(CORE)/ready  ## read real signs with a preset; then train STARK on simulated signing and score it
	$(CORE)/bin/slr predict asl-words $$($(CORE)/bin/slr presets asl-words --examples)
	$(CORE)/bin/slr simulate --lexicon demo --fps 12.5 --to $(DATA)
	$(CORE)/bin/slr fit configs/stark_demo.yaml --to $(RUN)
	$(CORE)/bin/slr evaluate $(RUN) --split test
	$(CORE)/bin/slr predict $(RUN) $(DATA)/test.jsonl --limit 1 --times
	$(CORE)/bin/slr view $(DATA) --split test --sample 0 --frames 12 --columns 4 --to $(RUN)/clip.png
	@echo "Curves, worst sentences and this clip: $(RUN)/report.md, $(RUN)/curves.png, $(RUN)/clip.png"

quickstart: $(CORE)/ready  ## the demo in its small form: the same commands, seconds of training
	rm -rf runs/quickstart data/quickstart
	$(CORE)/bin/slr simulate --lexicon demo --to data/quickstart --train 24 --dev 6 --test 6
	$(CORE)/bin/slr fit configs/stark_demo.yaml --to runs/quickstart \
	  --set data.folder=data/quickstart --set training.epochs=2
	$(CORE)/bin/slr evaluate runs/quickstart --split test
	$(CORE)/bin/slr predict runs/quickstart data/quickstart/test.jsonl --limit 1 --times
	$(CORE)/bin/slr view data/quickstart --split test --sample 0 --to runs/quickstart/clip.png

SETS ?= downloads

bench-sets: $(FULL)/ready  ## the tables of real signing in RESULTS.md, from the raw sets in SETS=FOLDER; resumable
	$(FULL)/bin/python -m slr_keras.benchmark sets --from $(SETS) --to runs/sets --results RESULTS.md

presets: $(FULL)/ready  ## the presets with weights, from the raw sets in SETS=FOLDER
	docs/make_presets.sh $(FULL)/bin/slr $(SETS)

test: $(FULL)/ready  ## the whole suite but the long checks
	$(FULL)/bin/python -m pytest -n $(WORKERS) --dist worksteal -m "not long"

test-long: $(FULL)/ready  ## checks that take minutes
	$(FULL)/bin/python -m pytest -m long

COUNT ?= 1000
FORMATS ?=

fuzz: $(FULL)/ready  ## mutated files, pipes and requests, COUNT=1000 of each format; FORMATS="mp4 recipe"
	$(FULL)/bin/python tests/fuzz/run.py --count $(COUNT) $(if $(FORMATS),--formats $(FORMATS)) --to build/fuzz

test-latest:  ## the suite with the newest releases that pyproject.toml allows
	$(PYTHON) -m venv .venv-latest
	.venv-latest/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-latest/bin/uv pip install --quiet --compile-bytecode --python .venv-latest/bin/python --upgrade --editable ".[pose,video,svm,serving,hub,test]"
	.venv-latest/bin/python -m pytest -n $(WORKERS) --dist worksteal -m "not long"

OLDEST := .venv-oldest

$(OLDEST)/ready:
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.16.1
	@touch $@

test-oldest: $(FULL)/ready $(OLDEST)/ready  ## TFLite files also in the runtime of TensorFlow 2.16.1
	SLR_TENSORFLOW_2_16=$(CURDIR)/$(OLDEST)/bin/python $(FULL)/bin/python -m pytest -n $(WORKERS) \
	  -m "not long" tests/bundle tests/export

lint: $(FULL)/ready  ## ruff, formatting included; types of the public API
	$(FULL)/bin/ruff check .
	$(FULL)/bin/ruff format --check .
	$(FULL)/bin/mypy

format: $(FULL)/ready  ## let ruff rewrite
	$(FULL)/bin/ruff check --fix .
	$(FULL)/bin/ruff format .

RULES := -c requirements/constraints.in --overrides requirements/overrides.in --python-version 3.11 --universal \
  --no-header --no-annotate --no-emit-index-url

lock: $(FULL)/ready  ## resolve the locked environments anew
	$(FULL)/bin/uv pip compile pyproject.toml $(RULES) -o requirements/core.txt
	$(FULL)/bin/uv pip compile pyproject.toml --extra all $(RULES) -o requirements/all.txt

DOCS := .venv-docs

$(DOCS)/ready: requirements/core.txt pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(DOCS)/bin/uv pip install --quiet --python $(DOCS)/bin/python --override requirements/overrides.in \
	  -c requirements/core.txt --editable ".[docs]"
	@touch $@

docs: $(DOCS)/ready  ## the documentation as a site in build/docs; a warning is an error
	$(DOCS)/bin/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

# make apk BUNDLE=runs/demo_ema/tflite: what goes into the APK.
BUNDLE ?=
KEYPOINTS ?= $(wildcard android_demo/build/keypoint_models)

apk:  ## the Android demo, without Gradle; BUNDLE=FOLDER and KEYPOINTS=FOLDER put models inside
	android_demo/build_apk.sh $(if $(BUNDLE),--bundle $(BUNDLE)) $(if $(KEYPOINTS),--keypoint-models $(KEYPOINTS))

test-android: apk  ## the Android core's tests on class files, and on the code that is in the APK
	android_demo/test_core.sh --apk android_demo/build/apk/slr_keras.apk

lint-android:  ## ktlint and detekt
	android_demo/lint.sh

clean:  ## remove environments and what demo and quickstart made
	rm -rf $(CORE) $(FULL) .venv-latest $(OLDEST) $(DOCS) build/docs data/quickstart runs/quickstart $(DATA) $(RUN)
