# Everything a person or a machine does with this checkout. `make help` lists it.
# Paths are relative on purpose: a checkout may lie in a folder with spaces in its name.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint bench peer-suite soak screenshots translations lock
PYTHON ?=
ARGS ?=

# What to test, and how: make test ARGS="-k broker"
# ENFORCE_COVERAGE=1 makes the two coverage figures a condition.
ENFORCE_COVERAGE ?= 0
COVERAGE_ENGINE ?= 90
COVERAGE_DESKTOP ?= 80

python = .venv/bin/python
checkout = found="$$(PYTHON='$(PYTHON)' sh installer/find-python.sh)" && "$$found" installer/checkout.py

help: ## list what there is
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## make .venv and install what the program and its tests need
	@$(checkout) setup dev

run: ## start the program (ARGS="--quick" hands arguments on)
	@$(checkout) setup run && "$$found" installer/checkout.py run $(ARGS)

test: ## run the tests with coverage (ARGS="-k broker" chooses)
	@$(checkout) setup dev
	@PYTHON=$(python) COVERAGE_ENGINE=$(COVERAGE_ENGINE) COVERAGE_DESKTOP=$(COVERAGE_DESKTOP) \
		ENFORCE_COVERAGE=$(ENFORCE_COVERAGE) sh .ci/test $(ARGS)

lint: ## check style, types, dependency rules and file lengths
	@$(checkout) setup dev
	@PYTHON=$(python) sh .ci/lint

bench: ## measure the figures of the README (QUICK=1, ONLY=broker)
	@$(checkout) setup dev
	@$(python) -m tests.bench.run $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

peer-suite: ## hold the broker against the tests of Celery and kombu (ARGS="--only canvas -k chord")
	@$(checkout) setup dev
	@$(python) -m tests.peer.run $(ARGS)

soak: ## kill the bundled broker's processes at random (TASKS=10000 MINUTES=0 SEED=…)
	@$(checkout) setup dev
	@$(python) -m tests.soak.run $(if $(TASKS),--tasks $(TASKS)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED))

screenshots: ## paint every window in both themes into screenshots/
	@$(checkout) setup dev
	@$(python) -m tests.screenshots $(ARGS)

translations: ## bring resources/translations/ up to date with the texts of the code
	@$(checkout) setup dev
	@$(python) installer/translations.py

lock: ## write requirements/*.txt anew from pyproject.toml (needs uv; ARGS="--upgrade")
	@sh installer/lock.sh $(ARGS)
