# Each target sets up what it needs first; a second run starts in seconds. `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
VENV7  ?= .venv-ipywidgets7
PEERS  ?= .venv-peers
RAY    ?= .venv-ray
READER ?= .venv-readers
MUTANT ?= .venv-mutants
BIN    := $(VENV)/bin
RUN    := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help setup lab web serve demo test lint docs docker-test peers-test ray-test readers-test detectron2-test \
  versions-test mutants bench bench-setup bench-quick bench-check notebooks screenshots fuzz sbom lock starter clean

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | \
	  while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done
	@echo '  UV_TORCH_BACKEND=cpu make lab installs a smaller torch, without CUDA, where that index can be reached.'

setup: ## a .venv with the locked packages, detectron2 and seg_widgets
	@$(PYTHON) packaging/bootstrap.py --venv $(VENV)

lab: setup ## open the panel in JupyterLab
	@$(RUN) packaging/lab.py

web: setup ## serve the panel's notebook as a web page, without its code (Voilà)
	@$(RUN) packaging/web.py

serve: setup ## share one model with notebooks, web pages and programs, over HTTP
	@$(RUN) -m seg_widgets serve

demo: setup ## segment a sample without a browser: a table, an overlay PNG, COCO JSON
	@$(RUN) -m seg_widgets segment notebooks/images/cat.jpg --out out --format png,coco,csv

# What ipywidgets 7 does of itself under the traitlets that goes with it is no warning of ours.
OLD_TRAITLETS := -W "ignore:Deprecated in traitlets 4.1:DeprecationWarning"
TESTS_OF_7 := tests/export tests/prediction tests/session/test_session.py tests/session/test_history.py tests/widgets

# Most tests wait for a browser or a server, so two at a time take half the time, the notebooks among them; one thread
# each keeps them from each other's cores. A file stays with one worker, which has one JupyterLab and one browser for
# all of it; a notebook has one kernel. The longest files come first: tests/conftest.py. What fails in the first run
# does not hide what fails in the second, whose environment has ipywidgets 7 and no torch.
BESIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: setup ## check the code and run every test, notebooks and browser included
	@$(PYTHON) packaging/bootstrap.py --ipywidgets7 --venv $(VENV7)
	@$(RUN) -m tests.browser.chromium
	@$(MAKE) --no-print-directory lint
	@status=0; \
	  OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(RUN) -m pytest $(BESIDE) --nbval tests notebooks || status=$$?; \
	  $(VENV7)/bin/python -m pytest $(OLD_TRAITLETS) -p no:cacheprovider $(TESTS_OF_7) || status=$$?; \
	  exit $$status

lint: setup ## formatting, lint and types, of Python and JavaScript
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(RUN) packaging/javascript.py

docs: setup ## the documentation as a web site: build/docs/index.html
	@$(RUN) -m sphinx -W --keep-going --quiet -d build/doctrees -c docs . build/docs

docker-test: setup ## build the Dockerfile with buildah and start what is in it (root, on Debian)
	@$(RUN) -m tests.docker_image

peers-test: ## test results of other libraries (Ultralytics, transformers, …) against their releases
	@$(PYTHON) packaging/bootstrap.py --peers --venv $(PEERS)
	@$(PEERS)/bin/python -m pytest -p no:cacheprovider -W default tests/peers

ray-test: ## test runs on Ray Data, with real workers of which one is killed
	@$(PYTHON) packaging/bootstrap.py --ray --venv $(RAY)
	@$(RAY)/bin/python -m pytest -p no:cacheprovider tests/on_ray

readers-test: ## test what we export with the programs that read it (pycocotools, Label Studio, LabelMe, …)
	@$(PYTHON) packaging/bootstrap.py --readers --venv $(READER)
	@$(READER)/bin/python -m pytest -p no:cacheprovider -W default tests/readers

detectron2-test: setup ## test detectron2 itself, as it is installed, and what our wheel of it cannot do
	@$(RUN) -m pytest -q packaging/detectron2/tests

versions-test: setup ## try the lowest and the newest versions of everything, in environments of their own (6 GB each)
	@$(RUN) packaging/versions.py

# Of each module: how many mutants (all: one at each place), which ones, and how many at a time.
MUTANTS ?= 60
SEED    ?= 0
JOBS    ?= 2

mutants: setup ## what a module's tests do not notice (MODULE="seg_widgets/…/a.py …" MUTANTS=60 SEED=0 JOBS=2)
	@test -n "$(MODULE)" || { echo 'Name a module: make mutants MODULE=seg_widgets/prediction/filter.py'; exit 2; }
	@$(PYTHON) packaging/bootstrap.py --mutants --venv $(MUTANT)
	@$(MUTANT)/bin/python packaging/mutants --python $(RUN) --mutants $(MUTANTS) --seed $(SEED) --jobs $(JOBS) $(MODULE)

# Minutes for all targets together.
FUZZ_MINUTES ?= 4
fuzz: setup ## try hostile images, weights, configs, addresses and servers; writes docs/reliability.md (FUZZ_MINUTES=4)
	@$(RUN) -m tests.fuzz --minutes $(FUZZ_MINUTES)

sbom: setup ## list all locked packages in CycloneDX's format: build/sbom.cdx.json
	@$(RUN) packaging/sbom.py

# The peers, which only the part `drawing` has, are in an environment of their own (6 GB); what needs a browser looks
# for it as `make test` does.
bench-setup: setup
ifneq ($(if $(BENCH),$(filter drawing,$(BENCH)),all),)
	@$(PYTHON) packaging/bootstrap.py --peers --venv $(PEERS)
endif

BENCHMARKS := SEG_WIDGETS_PEERS=$(PEERS)/bin/python $(RUN) -m benchmarks

bench: bench-setup ## measure beside other libraries; writes docs/performance.md (BENCH="drawing canvas": only these)
	@$(BENCHMARKS) $(BENCH)

bench-quick: bench-setup ## the same in a few minutes; nothing is kept
	@$(BENCHMARKS) --quick $(BENCH)

bench-check: bench-setup ## measure anew, and fail where a ratio is much worse than the kept one (BENCH=…)
	@$(BENCHMARKS) --check $(BENCH)

notebooks: setup ## run the notebooks and keep their outputs
	@$(RUN) packaging/notebooks.py

screenshots: setup ## make the README's images anew in a real browser
	@$(RUN) -m tests.browser.chromium
	@$(RUN) -m tests.browser.screenshots docs/images

starter: setup ## train the starter model anew (hours; see training/README.md)
	@$(RUN) -m training

lock: setup ## resolve the dependencies anew
	@$(RUN) packaging/lock.py

clean: ## remove the .venv and what was built
	rm -rf $(VENV) $(VENV7) $(PEERS) $(RAY) $(READER) $(MUTANT) build dist out node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
