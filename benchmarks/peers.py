"""The same job by Audiform and by others: people from Parquet, e-mail addresses normalised and hashed, posted in batches.

Each tool is written as its own documentation shows it, and once more with everything that we found there to make it
faster (peers/). All post to the same sink, which answers at once; each is a whole process, from start to end, best of a
few runs that take turns. Before anybody is timed, each is held to the job: a sink that keeps bodies must have got every
person once, in batches of at most 10,000. Prints JSON; exit code 1 when a budget does not hold.

    python benchmarks/peers.py                   1,000,000 people
    python benchmarks/peers.py --rows 100000     a tenth
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from costs import BYTECODE, PEERS, Cost, best, cost
from people import BATCH, CHANGED, profiles, project
from results import Budget, Figure, Place, Result, finish, here, options
from sink import sink

ROWS = 1_000_000
HELD_TO = 25_000
"""So many people show whether a tool does the job: two full batches and a half one."""
REPEATS = 3
FASTER = 10
NOT_SLOWER = 1
HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "peers"
OURS, LIMIT, SCRIPT = "Audiform", "bare limit", "pandas + requests"
DLT_ROWS, DLT_TUNED, DLT_ARROW = "dlt, rows", "dlt, rows, tuned", "dlt, Arrow and DuckDB"
DRT_OWN, DRT_SQL = "drt, its own fields", "drt, hashed in SQL"


@dataclass(frozen=True)
class Run:
    """One contestant's own folder, with `people.parquet` in it, and where to send them."""

    folder: Path
    url: str

    @property
    def people(self) -> str:
        """Return the file that is read."""
        return str(self.folder / "people.parquet")


@dataclass(frozen=True)
class Contestant:
    """Who does the job: what to write before the first run, what to run, and in which environment.

    `changes`: a later run posts who has changed and nobody else, and is held to that.
    """

    command: Callable[[Run], Sequence[str]]
    prepare: Callable[[Run], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)
    changes: bool = False

    def run(self, run: Run) -> Cost:
        """Do the job once, as a process."""
        given = {
            "HOME": str(run.folder),
            "DLT_DATA_DIR": str(run.folder / ".dlt"),
            "SINK": run.url,
            "PEOPLE": run.people,
            **QUIET,
            **BYTECODE,
        }
        return cost(self.command(run), folder=run.folder, environment={**given, **self.environment})


QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
"""Nobody is measured while it tells its makers that it runs."""


# --- Who takes part


def _python(script: str, *more: str) -> Callable[[Run], Sequence[str]]:
    return lambda run: (str(PEERS), str(SCRIPTS / script), run.url, run.people, *more)


def _drt(name: str) -> Callable[[Run], Sequence[str]]:
    return lambda _: (str(PEERS.with_name("drt")), "run", "--select", name)


def _drt_project(run: Run) -> None:
    shutil.copytree(SCRIPTS / "drt", run.folder, dirs_exist_ok=True)
    (run.folder / ".drt").mkdir()
    (run.folder / "profiles.yml").rename(run.folder / ".drt" / "profiles.yml")


AUDIFORM = Contestant(
    lambda run: (sys.executable, "-m", "audiform", "-C", str(run.folder), "sync"),
    lambda run: project(run.folder, run.url, "{email: email}"),
)
BY_COLUMN = Contestant(
    AUDIFORM.command, lambda run: project(run.folder, run.url, "{email: email}", "updated_at")
)
FIRST: Mapping[str, Contestant] = {
    LIMIT: Contestant(lambda run: (sys.executable, str(HERE / "limit.py"), run.url, run.people, "email")),
    OURS: AUDIFORM,
    SCRIPT: Contestant(_python("script.py", "email")),
    DLT_ARROW: Contestant(_python("dlt_arrow.py")),
    DLT_TUNED: Contestant(
        _python("dlt_rows.py"),
        # What https://dlthub.com/docs/reference/performance names, as far as it helps here.
        environment={
            "DATA_WRITER__DISABLE_COMPRESSION": "true",
            "DATA_WRITER__FILE_MAX_ITEMS": "100000",
            "NORMALIZE__WORKERS": "2",
        },
    ),
    DLT_ROWS: Contestant(_python("dlt_rows.py")),
    DRT_SQL: Contestant(_drt("in_sql"), _drt_project),
    DRT_OWN: Contestant(_drt("own_fields"), _drt_project),
}
LATER: Mapping[str, Contestant] = {
    OURS: AUDIFORM,
    f"{OURS}, by updated_at": BY_COLUMN,
    f"{SCRIPT}: everybody again": FIRST[SCRIPT],
    "dlt, Arrow, by updated_at": Contestant(_python("dlt_arrow.py", "--changes"), changes=True),
    "drt, SQL, by updated_at": Contestant(_drt("changes"), _drt_project, changes=True),
}


# --- Held to the job


def hold_to_the_job(work: Path) -> None:
    """Let everybody do the job once with few people; stop where somebody does another one."""
    everybody, changed = work / "everybody.parquet", work / "changed.parquet"
    profiles(everybody, HELD_TO, stamped=True)
    profiles(changed, HELD_TO, changed=CHANGED, stamped=True)
    before, after = _expected(everybody), _expected(changed)
    for name, contestant in {**FIRST, **LATER}.items():
        with _folder(work) as folder, _folder(work) as kept, sink(kept) as url:
            run = _given(contestant, folder, url, everybody)
            contestant.run(run)
            compare(name, before, _taken(kept))
            if contestant.changes:
                _exchange(run, changed)
                contestant.run(run)
                compare(f"{name}, later", after - before, _taken(kept))


def _expected(file: Path) -> set[str]:
    import duckdb

    rows = duckdb.sql(f"SELECT email FROM read_parquet('{file}')").fetchall()
    return {hashlib.sha256(email.strip().lower().encode()).hexdigest() for (email,) in rows}


def _taken(kept: Path) -> list[list[str]]:
    """Return the people of each request, and forget them."""
    requests = []
    for file in kept.iterdir():
        payload = json.loads(file.read_bytes())["payload"]
        if payload["schema"] != ["EMAIL"]:
            raise RuntimeError(f"a body of another schema: {payload['schema']}")
        requests.append([email for (email,) in payload["data"]])
        file.unlink()
    return requests


def compare(name: str, expected: set[str], requests: Sequence[Sequence[str]]) -> None:
    """Stop when others were sent than everybody once, or in other batches."""
    taken = [email for request in requests for email in request]
    if set(taken) != expected or len(taken) != len(expected):
        raise RuntimeError(
            f"{name} does another job: {len(taken)} people were sent, {len(set(taken) & expected)} of {len(expected)}"
        )
    most, least = max(map(len, requests)), math.ceil(len(expected) / BATCH)
    if most > BATCH or len(requests) > least + 1:
        raise RuntimeError(f"{name} batches otherwise: {len(requests)} requests of at most {most} people")


# --- Measured


def measure(rows: int, work: Path) -> tuple[dict[str, Cost], dict[str, Cost], dict[str, Cost]]:
    """Return the costs of the first runs, of those with nothing to do, and of those after a change."""
    everybody, changed = work / "people.parquet", work / "later.parquet"
    profiles(everybody, rows, stamped=True)
    profiles(changed, rows, changed=CHANGED, stamped=True)
    firsts: dict[str, list[Cost]] = {name: [] for name in FIRST}
    same: dict[str, list[Cost]] = {name: [] for name in LATER}
    later: dict[str, list[Cost]] = {name: [] for name in LATER}
    with sink() as url:
        for _ in range(REPEATS):
            for name, contestant in FIRST.items():
                with _folder(work) as folder:
                    firsts[name].append(contestant.run(_given(contestant, folder, url, everybody)))
            for name, contestant in LATER.items():
                with _folder(work) as folder:
                    run = _given(contestant, folder, url, everybody)
                    contestant.run(run)
                    same[name].append(contestant.run(run))
                    _exchange(run, changed)
                    later[name].append(contestant.run(run))
    return _best(firsts), _best(same), _best(later)


def _best(costs: Mapping[str, Sequence[Cost]]) -> dict[str, Cost]:
    return {name: best(seen) for name, seen in costs.items()}


@contextmanager
def _folder(work: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=work) as folder:
        yield Path(folder)


def _given(contestant: Contestant, folder: Path, url: str, people: Path) -> Run:
    run = Run(folder, url)
    contestant.prepare(run)
    Path(run.people).hardlink_to(people)
    return run


def _exchange(run: Run, people: Path) -> None:
    Path(run.people).unlink()
    Path(run.people).hardlink_to(people)


# --- What it means


def budgets(firsts: Mapping[str, Cost]) -> Iterator[Budget]:
    """Yield how many times faster we are than each of the others, and must be."""
    least = {DLT_ROWS: FASTER, DRT_OWN: FASTER, DLT_TUNED: NOT_SLOWER, DLT_ARROW: NOT_SLOWER}
    least |= {DRT_SQL: NOT_SLOWER, SCRIPT: NOT_SLOWER}
    for name, times in least.items():
        seen = firsts[name].seconds / firsts[OURS].seconds
        yield Budget("first sync: times faster than", seen, at_least=times, peer=name)


def figures(
    rows: int, firsts: Mapping[str, Cost], same: Mapping[str, Cost], later: Mapping[str, Cost]
) -> Iterator[Figure]:
    """Yield what a reader compares."""
    for name, one in firsts.items():
        yield Figure(f"First sync of {rows:,} people", name, rows / one.seconds, "people/s")
    for name, one in firsts.items():
        yield Figure("The same: processor time of all cores", name, one.processor, "s")
    for name, one in firsts.items():
        yield Figure("The same: memory at the peak", name, one.megabytes, "MB")
    for name, one in later.items():
        yield Figure(f"Sync after 1 % of {rows:,} people has changed", name, one.seconds, "s")
    for name, one in same.items():
        yield Figure(f"Sync when nothing of {rows:,} people has changed", name, one.seconds, "s")


ABOUT = """\
People from one Parquet file, their e-mail addresses trimmed, lower-cased and hashed with SHA-256, posted as JSON in batches of 10,000
to a local sink that answers at once. Each is a whole process, from its start to its end. Each was held to the job before it was
timed: everybody had to arrive once, in such batches."""
NOTES = """\
**Audiform** (`audiform sync`) compares people with its ledger and sends the difference: those who are new, and removals of those who
have left or have another address. It checks the guards, writes an intent before each request and rows of the ledger after its
answer, and reads errors of single people from the answers. An interrupted run is taken up where it stopped.

**The bare limit** is the query that gives the same bytes, and an HTTP client that posts them. No difference, no ledger, no check.

**pandas + requests** is the script that people write ([script.py](../benchmarks/peers/script.py)). It knows nothing of the last run: it
sends everybody each time, never removes anybody, and begins anew when it was interrupted.

**dlt, rows** ([dlt_rows.py](../benchmarks/peers/dlt_rows.py)) is its filesystem source, `add_map` and a custom destination, with default
settings; *tuned* is the same with what its page on performance names (files rotate, two processes normalise, nothing is
compressed). **dlt, Arrow and DuckDB** ([dlt_arrow.py](../benchmarks/peers/dlt_arrow.py)) leaves normalising and hashing to DuckDB
and carries Parquet. dlt keeps what it has loaded in files until it is sent, and takes up an interrupted load at a batch. Its custom
destination keeps no record of who was sent: dlt finds changes by a column (`updated_at`) where there is one, and never who has left.

**drt, its own fields** ([own_fields.yml](../benchmarks/peers/drt/syncs/own_fields.yml)): `computed_fields` normalises, `mask` hashes, a
batch template renders. **drt, hashed in SQL** ([in_sql.yml](../benchmarks/peers/drt/syncs/in_sql.yml)) leaves all that to DuckDB. Its limit of
requests per second is off in both. Its REST destination sends one request at a time. From files drt finds changes by a column, and
never who has left; over PostgreSQL, Snowflake and other warehouses it can compare with a snapshot (`incremental_strategy: diff`), and
with its state in PostgreSQL it can keep a ledger of what was delivered. None of that is for a REST destination's removals.

So the later syncs are not the same job. Audiform also finds who has left or has another address, without a column that says so, and
reads everybody for that. By `updated_at` (an audience's [watermark](incremental.md)) it reads who has changed, and still takes away the
address that somebody had before. The others read what `updated_at` says and trust it; the script sends everybody again.

Ten times the speed of dlt and drt is the budget beside the tools as they are documented. Beside what can be made of them by hand,
where DuckDB does the work as it does in Audiform, the budget is not to be slower, although a ledger is kept.
"""


def versions() -> dict[str, str]:
    """Return what is installed for the peers."""
    listed = subprocess.run(
        (str(PEERS), "-m", "pip", "list", "--format=json"), capture_output=True, text=True, check=True
    )
    found = {one["name"]: one["version"] for one in json.loads(listed.stdout)}
    return {name: found[name] for name in ("dlt", "drt-core", "pandas", "requests")}


def main() -> int:
    """Hold everybody to the job, measure, and say what budgets hold."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    given = parser.parse_args()
    if not PEERS.exists():
        parser.error("the peers are not installed: run `make bench-peers`")
    place: Place = here(others=versions())
    with tempfile.TemporaryDirectory() as folder:
        hold_to_the_job(Path(folder))
        firsts, same, later = measure(given.rows, Path(folder))
    found = [*figures(given.rows, firsts, same, later)]
    return finish(
        Result(
            "peers", "Beside others", ABOUT, found, [*budgets(firsts)], place, NOTES.strip().split("\n\n")
        ),
        given,
    )


if __name__ == "__main__":
    sys.exit(main())
