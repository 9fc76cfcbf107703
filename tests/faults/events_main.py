"""Faults of `audiform run` at full size, for `make faults`.

python tests/faults/events_main.py [--events 100000] [--kills 50] [--seed 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from faults.events import Size, injected


def main() -> int:
    """Do it at full size, once with each log; print the figures, and fail when anything is wrong."""
    options = argparse.ArgumentParser(
        description="Inject faults into `audiform run`, and count what is lost."
    )
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", type=Path, help="where to write the figures as well")
    wanted = options.parse_args()
    sizes = {
        "SQLite": Size(wanted.events, wanted.kills, 4_000_000, wanted.seed),
        "NATS": Size(wanted.events // 5, wanted.kills // 5, 100_000_000, wanted.seed, restarts=4),
    }
    found = {name: injected(size) for name, size in sizes.items()}
    text = json.dumps({name: vars(one) for name, one in found.items()}, indent=1)
    sys.stdout.write(f"{text}\n")
    if wanted.json:
        wanted.json.parent.mkdir(parents=True, exist_ok=True)
        wanted.json.write_text(text, encoding="utf-8")
    return int(any(one.wrong for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
