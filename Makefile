# Two commands: `make demo` shows it, `make test` proves it. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WAIT ?= yes
MINUTES ?= 2
IMAGE_TOOLS := .cache/image-tools
BENCH_TOOLS := .cache/bench-tools

.DEFAULT_GOAL := help
.PHONY: help demo test tools unit pythons lint format contract integration promises faults simulate teeth storm bench track-record chart docs screenshots recording cluster-up cluster-down image image-check cli krew sbom requirements clean

help: ## List the targets
	@$(PYTHON) -c 'import re; \
	[print(f"{name:15} {what}") for name, what in re.findall("(?m)^([a-z-]+):.*## (.*)", open("Makefile").read())]'

demo: $(VENV)/ready ## Deliver the examples on a local Kubernetes (KUBECONFIG=... for yours, WAIT=no to exit)
	$(BIN)/python examples/demo.py --wait $(WAIT) $(if $(filter command line,$(origin KUBECONFIG)),--kubeconfig $(KUBECONFIG))

test: lint tools ## Everything that gates
	$(BIN)/pytest -m "not full"

tools: $(VENV)/ready ## Fetch or build what the tests need and this machine has not
	@$(BIN)/python tests/tools.py

unit: tools ## The inner loop: seconds
	$(BIN)/pytest tests/unit -q

pythons: ## The unit tests and a plain authority, on each Python that is here (PYTHONS="3.11 3.13")
	$(PYTHON) tests/pythons.py $(PYTHONS)

contract: tools ## The CRD on a real API server, and its copies
	$(BIN)/pytest tests/contract

integration: tools ## The operator on a real control plane
	$(BIN)/pytest tests/integration

promises: tools ## What is promised, in full: half an hour; ends in a table of figures
	PROMISES=full $(BIN)/pytest tests/promises tests/faults/plans tests/integration/test_probe.py

faults: tools ## One fault at one place, and what must hold: prints a table (PLAN=post-unsent-killed for one)
	$(BIN)/pytest tests/faults/plans $(if $(PLAN),-k "$(PLAN)")

simulate: $(VENV)/ready ## Orders of events drawn at random, in a simulated world (MINUTES=2, SEED=...)
	PYTHONPATH=tests $(BIN)/python -m simulation explore --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

teeth: $(VENV)/ready ## Break the operator in each place: how soon is it seen? Prints a table (MUTATION=the-fence)
	@PYTHONPATH=tests $(BIN)/python -m simulation.teeth $(or $(MUTATION),all) --starts $(or $(STARTS),5) --most $(or $(MOST),2000)

storm: tools ## Everything at random on a real control plane (MINUTES=2, SEED=...): prints a table
	PYTHONPATH=tests:localcluster $(BIN)/python -m faults.storm --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

bench: tools $(BENCH_TOOLS)/ready ## Measure it beside its rivals and what is possible: 40 minutes (QUICK=1: 6)
	$(BIN)/python benchmarks/bench.py $(if $(QUICK),--quick)
	$(BENCH_TOOLS)/bin/python benchmarks/plots.py

track-record: tools ## Put each defect of delivery back and see that it is found (DEFECTS="..." or all, UNIT=yes)
	$(BIN)/python tests/faults/track_record.py check $(or $(DEFECTS),all) $(if $(UNIT),--unit)

lint: $(VENV)/ready ## ruff, mypy and import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/ready ## Let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

chart: $(VENV)/ready ## Bring the chart's copies and its README up to date
	cp crds/customevents.customevents.dev.yaml helm/customevents-operator/files/
	$(BIN)/python docs/render_chart.py
	$(BIN)/python tests/chart/rights.py

docs: $(VENV)/ready ## Write the pages that are made from the code
	$(BIN)/python docs/render_settings.py
	$(BIN)/python docs/render_switches.py

screenshots: tools ## Take the pictures of the timeline page in docs/pictures
	$(BIN)/python docs/screenshots.py

recording: $(VENV)/ready ## Record the terminal session in docs/pictures
	$(BIN)/python docs/recording.py

cluster-up: $(VENV)/ready ## Start a local Kubernetes; prints the export line
	@$(BIN)/python localcluster/localcluster.py up

cluster-down: $(VENV)/ready ## Stop it
	@$(BIN)/python localcluster/localcluster.py down

image: ## Build the container image, without a Docker engine (BASE=... for another base)
	$(if $(BASE),BASE=$(BASE)) image/build.sh

image-check: $(VENV)/ready $(IMAGE_TOOLS)/ready ## Look at the image that `make image` built, and run it
	$(BIN)/python image/check.py

cli: $(VENV)/ready ## Build the command line as one file that needs no Python, dist/customevents
	$(BIN)/python onefile/build_cli.py dist/customevents

krew: cli ## Pack it for krew, in dist/ (ADDRESS=https://... of the folder that users fetch it from)
	$(BIN)/python onefile/render_krew.py dist --address "$(ADDRESS)"

sbom: $(IMAGE_TOOLS)/ready ## List what ships, as CycloneDX, in dist/
	mkdir -p dist
	$(IMAGE_TOOLS)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/customevents.cdx.json requirements.txt

requirements: $(VENV)/ready ## Pin the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --upgrade pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --constraint requirements.txt --group pyproject.toml:dev pyproject.toml --output-file requirements-dev.txt
	for group in build image bench; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --constraint requirements-dev.txt --upgrade --group pyproject.toml:$$group \
	    --output-file requirements-$$group.txt || exit 1; \
	done

$(VENV)/ready: pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(IMAGE_TOOLS)/ready: requirements-image.txt
	$(PYTHON) -m venv $(IMAGE_TOOLS)
	$(IMAGE_TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-image.txt
	touch $@

$(BENCH_TOOLS)/ready: requirements-bench.txt
	$(PYTHON) -m venv $(BENCH_TOOLS)
	$(BENCH_TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	touch $@

clean: cluster-down ## Remove what was built, but for Go's cache
	rm -rf $(VENV) .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache localcluster/.cache
