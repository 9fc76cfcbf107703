# Each target works as the only command on a fresh machine: it needs python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo demo-events test lint types schemas docs bench faults clean

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

bench: .venv/.installed ## the figures, each beside its peer or its limit
	$(BIN)/python benchmarks/config.py && $(BIN)/python benchmarks/sync.py && $(BIN)/python benchmarks/events.py

faults: .venv/.installed ## thousands of faults in real runs, and what was lost: takes half an hour
	PYTHONPATH=tests $(BIN)/python -m faults.main --json build/faults.json && PYTHONPATH=tests $(BIN)/python -m faults.events_main --json build/faults-events.json

clean: ## remove what the targets above made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Audiform needs Python 3.11 or newer, and $(PYTHON) is not; say which: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
