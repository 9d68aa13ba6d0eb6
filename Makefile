# PriceLake: `make help` lists what can be made.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help setup repair demo test lint bench score score-quick ablations elasticities measurements lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## environment from the lock file, Horovod, Java, Spark's jars; seconds when all is there
	@bash scripts/setup.sh

repair: ## set-up again from the start, for an environment that 'pricelake doctor' finds broken
	@rm -f .venv/.stamp-*
	@$(MAKE) --no-print-directory setup

demo: setup ## the whole run on Complete Journey, one year of a US grocer; ends in build/demo/report.html
	@.venv/bin/pricelake run --settings conf/demo.yaml --json build/demo/run.json

test: setup lint ## every test, after lint, types and import contracts
	@.venv/bin/python -m pytest $(PYTEST_ARGS)

lint: setup ## style, types, import contracts, package consistency
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@PYTHONPATH=. .venv/bin/lint-imports --no-cache
	@.venv/bin/pip check

bench: setup ## speed as ratios in one run; writes build/bench/bench.json
	@.venv/bin/python -m bench

score: setup ## PriceLake and rivals on shops of known demand, ten seeds, under two hours; build/score/scoreboard.html
	@.venv/bin/pricelake score --settings conf/scoreboards/full.yaml --out build/score/full/scoreboard.json
	@cp build/score/full/scoreboard.json build/score/full/scoreboard.html build/score/

score-quick: setup ## the same in 10 minutes: two cases, four seeds
	@.venv/bin/pricelake score --settings conf/scoreboards/quick.yaml --out build/score/quick/scoreboard.json
	@test -e build/score/full/scoreboard.html || cp build/score/quick/scoreboard.json build/score/quick/scoreboard.html build/score/

ablations: setup ## PriceLake with one part changed at a time on shops of known demand; writes docs/ablations.md
	@.venv/bin/pricelake score --settings conf/scoreboards/ablations.yaml --out build/score/ablations/scoreboard.json
	@.venv/bin/python -m scripts.ablations

elasticities: ## what Complete Journey's products answer to price, beside published figures; after make demo; writes docs/elasticities.md
	@.venv/bin/python -m scripts.elasticities

measurements: ## write docs/measurements.md from the records of demo, elasticities, bench, test, score and score-quick
	@.venv/bin/python -m scripts.measurements

lock: setup ## solve requirements.in again into requirements.lock
	@.venv/bin/uv pip compile requirements.in -o requirements.lock --python-version 3.11 --no-header --no-annotate --quiet

clean: ## remove what runs leave behind; the environment stays
	@rm -rf build spark-warehouse metastore_db derby.log
