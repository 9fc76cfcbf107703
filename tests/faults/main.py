"""The whole of it, for `make faults`: as many faults as are asked for, as many at once as there are processors.

python tests/faults/main.py [--faults 2000] [--jobs N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from faults.figures import WRONG, Figures, together
from faults.kinds import IN_A_DATABASE, KINDS
from faults.series import at_every_point, of_kinds

AT_ONCE = 12
"""Faults in one series: a scene of its own, with a history that grows."""
Series = Callable[[], Figures]


def series(faults: int, first_seed: int) -> Iterator[Series]:
    """Yield what to do, without an end: whoever asks stops. Of each round one run is killed at every point of it."""
    files = [kind for kind in KINDS if not kind.startswith(IN_A_DATABASE)]
    servers = [kind for kind in KINDS if kind.startswith(IN_A_DATABASE)]
    seed = first_seed
    while True:
        yield partial(at_every_point, seed)
        yield partial(of_kinds, servers, seed, min(AT_ONCE, faults))
        for kind in files:
            yield partial(of_kinds, [kind], seed, min(AT_ONCE, faults))
        seed += 1


def inject(faults: int, jobs: int, first_seed: int) -> Figures:
    """Inject at least so many faults; say how far it is on the way."""
    whole, begun = Figures(), time.monotonic()
    work = series(faults, first_seed)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(next(work)) for _ in range(jobs + 1)}
        while running:
            done = next(as_completed(running))
            running.remove(done)
            whole = together([whole, done.result()])
            if whole.faults.total() < faults:
                running.add(pool.submit(next(work)))
            progress = f"{whole.faults.total():6,} faults, {whole.wrong.total()} wrong"
            print(f"{time.monotonic() - begun:6.0f} s {progress}", file=sys.stderr, flush=True)
    return whole


def main() -> int:
    """Print the figures; fail when anything went wrong."""
    options = argparse.ArgumentParser(description="Inject faults into real runs, and count what is lost.")
    options.add_argument("--faults", type=int, default=2_000, help="at least so many")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    options.add_argument("--seed", type=int, default=1, help="the first one; another one, other faults")
    options.add_argument("--json", type=Path, help="where to write the figures as well")
    wanted = options.parse_args()
    begun = time.monotonic()
    figures = inject(wanted.faults, wanted.jobs, wanted.seed)
    print(figures.as_text())
    print(f"{time.monotonic() - begun:7,.0f}  seconds")
    if wanted.json:
        wanted.json.parent.mkdir(parents=True, exist_ok=True)
        wanted.json.write_text(json.dumps(figures.as_json(), indent=1), encoding="utf-8")
    return int(any(figures.wrong[figure] for figure in WRONG))


if __name__ == "__main__":
    sys.exit(main())
