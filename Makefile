# Each target works as the only command on a fresh machine: it needs python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin
BENCHMARKS := bench-peers bench-sync bench-scale bench-postgresql bench-bindings bench-config bench-events

.PHONY: demo demo-events test lint types schemas docs bench $(BENCHMARKS) faults clean

demo: .venv/.installed ## the example, from plan to synced audiences
	$(BIN)/python examples/shop/demo.py

demo-events: .venv/.installed ## events on their way: filtered, tried again, dead-lettered, replayed
	$(BIN)/python examples/events/demo.py

test: .venv/.installed ## all tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

lint: .venv/.installed ## style, and nothing left to format
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/.installed ## both type checkers
	$(BIN)/pyright & $(BIN)/mypy; checked=$$?; wait $$! && exit $$checked

schemas: .venv/.installed ## write schemas/ from the models
	$(BIN)/python -m audiform schema --write schemas

docs: .venv/.installed ## write the generated pages of docs/ from the code
	$(BIN)/python docs/generate.py

bench: .venv/.installed ## all benchmarks, each beside its peer or its limit: takes long, and a machine that does nothing else
	$(MAKE) --keep-going $(BENCHMARKS)

# One of them; GIVEN='--rows 100000 --report' to try it out. The page, docs/benchmarks.md, is written also when a budget is missed.
$(BENCHMARKS): bench-%: .venv/.bench
	$(BIN)/python benchmarks/$*.py $(GIVEN) --json benchmarks/results/$*.json; held=$$?; $(BIN)/python docs/generate.py && exit $$held

bench-postgresql: export PYTHONPATH := tests

bench-peers bench-sync: build/peers/.installed

faults: .venv/.installed ## thousands of faults in real runs, and what was lost: takes half an hour
	PYTHONPATH=tests $(BIN)/python -m faults.main --json build/faults.json && PYTHONPATH=tests $(BIN)/python -m faults.events_main --json build/faults-events.json

clean: ## remove what the targets above made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.bench: .venv/.installed
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@

# The tools that are measured beside Audiform have an environment of their own.
build/peers/.installed: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv build/peers
	build/peers/bin/python -m pip install --quiet --requirement benchmarks/peers/requirements.txt
	@touch $@

.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Audiform needs Python 3.11 or newer, and $(PYTHON) is not; say which: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
