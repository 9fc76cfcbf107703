"""Members: add, remove, modify, the lookups before them and the jobs behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiform.connectors.manifest import Job, Lookup, SignalOperation
from audiform.connectors.named import REVISION
from audiform.connectors.template import unify
from audiform.outcome import Category, OutcomeKind
from audiform.sandbox.answers import Refused, can_fail_with, entries, failure, outdated, success, tells_errors
from audiform.sandbox.asked import Asked
from audiform.sandbox.objects import missing, named
from audiform.sandbox.records import complaint
from audiform.sandbox.routes import Match
from audiform.sandbox.rows import Row, reader_of, row_of
from audiform.sandbox.scopes import scope_of
from audiform.sandbox.wire import Answer
from audiform.sandbox.world import Account, Destination, JobState
from audiform.shapes import is_list


@dataclass(frozen=True, slots=True)
class Batch:
    """What one signal request carried: rows by index, and those that were refused."""

    rows: dict[int, Row]
    refused: tuple[Refused, ...]
    size: int


def too_much(asked: Asked) -> Answer | None:
    """Return the answer to a batch with more rows or bytes than the platform takes, or None."""
    signal = signal_of(asked)
    limits = asked.manifest.limits
    most_rows = signal.rows_per_request or limits.rows_per_request
    most_bytes = signal.bytes_per_request or limits.bytes_per_request
    if most_bytes is not None and len(asked.call.body) > most_bytes:
        return Answer(413)
    kinds = _in_use(asked)
    if limits.identifier_kinds is not None and len(kinds) > limits.identifier_kinds:
        message = f"{', '.join(kinds)}: at most {limits.identifier_kinds} kind of identifier at once"
        return failure(asked.connector_type, Category.INVALID_REQUEST, message)
    rows = len(values_of(asked.match))
    if rows > most_rows:
        message = f"{rows} records; at most {most_rows} are taken at once"
        return failure(asked.connector_type, Category.INVALID_REQUEST, message)
    return None


def read_batch(asked: Asked, reject: int) -> Batch:
    """Read and check every row; the first `reject` of them are refused whatever they say."""
    signal = signal_of(asked)
    direct = row_of(asked.found)
    read = reader_of(signal.row, asked.manifest, _in_use(asked))
    values = values_of(asked.match)
    rows: dict[int, Row] = {}
    refused: list[Refused] = []
    for index, value in enumerate(values):
        row = direct if value is DIRECT else read(value)
        problem = _resolve(row, asked.account, signal) or complaint(asked.manifest, row)
        if index < reject:
            problem = "rejected on demand"
        if row is not None and problem is None:
            rows[index] = row
        else:
            refused.append(
                Refused(
                    index,
                    row.remote or next(iter(row.identifiers.values()), "") if row else "",
                    problem or "malformed",
                )
            )
    return Batch(rows, tuple(refused), len(values))


def receive(asked: Asked, batch: Batch) -> Answer:
    """Do what a batch says and answer it; nothing is done where the platform refuses the whole of it."""
    signal = signal_of(asked)
    errors = asked.manifest.errors
    destination = named(asked)
    if destination is None and "destination.id" in asked.found:
        return missing(asked)
    if destination is not None and not _is_current(asked, destination):
        return outdated(asked.connector_type, f"The members are at revision {destination.revision}")
    told_later = signal.job is not None and tells_errors(signal.job.response, errors)
    if batch.refused and not told_later and not tells_errors(signal.response, errors):
        return refused_whole(asked, batch.refused[0])
    if not is_dry_run(signal, asked.match):
        _apply(asked.match.route.name, asked.account, destination, list(batch.rows.values()))
    scope = scope_of(asked.found, destination)
    scope["result"] = {"received": batch.size, "invalid": len(batch.refused)}
    if signal.job is not None:
        scope["job"] = _start_job(asked, signal.job, {**scope, "refused": batch.refused})
    return success(signal.response, scope, errors, batch.refused)


def poll(asked: Asked) -> Answer:
    """Tell how a job stands. Its own signal's description is used: those of other signals may look the same."""
    job = asked.account.jobs.get(str(asked.found.get("job.id")))
    if job is None:
        return failure(asked.connector_type, Category.DESTINATION_MISSING, "There is no such job")
    pending = job.polls > 0
    job.polls -= 1
    refused: tuple[Refused, ...] = job.scope["refused"]
    status = _status(job.part.statuses, pending=pending, refused=bool(refused))
    scope = {**job.scope, "job": {"id": job.id, "status": status}}
    return success(job.part.response, scope, asked.manifest.errors, () if pending else refused)


def resume(asked: Asked) -> Answer:
    """Go on with a job that was interrupted; here none ever is, so that it is as it was."""
    job = asked.account.jobs.get(str(asked.found.get("job.id")))
    if job is None:
        return failure(asked.connector_type, Category.DESTINATION_MISSING, "There is no such job")
    status = _status(job.part.statuses, pending=True, refused=False)
    scope = {**job.scope, "job": {"id": job.id, "status": status}}
    return success(asked.match.route.response, scope, asked.manifest.errors)


def list_refused(asked: Asked) -> Answer:
    """Tell which records a job did not take, on one page."""
    job = asked.account.jobs.get(str(asked.found.get("job.id")))
    if job is None:
        return failure(asked.connector_type, Category.DESTINATION_MISSING, "There is no such job")
    refused: tuple[Refused, ...] = job.scope["refused"]
    return success(asked.match.route.response, job.scope, asked.manifest.errors, refused)


def look_up(asked: Asked, lookup: Lookup) -> Answer:
    """Answer which of the keys are members, with the platform's own id of each."""
    destination = named(asked)
    if destination is None and "destination.id" in asked.found:
        return missing(asked)
    searched = [destination] if destination else list(asked.account.destinations.values())
    if lookup.row is not None:
        keys = _made(asked, lookup)
    else:
        keys = [
            key
            for key in _keys(asked)
            if lookup.missing == "rejected" or _held(searched, lookup.identifier, key)
        ]
    if not keys and lookup.nobody is not None:
        return Answer(lookup.nobody)
    found = [{"lookup": {"key": key, "id": asked.account.remote_id(key)}} for key in keys]
    scope = scope_of(asked.found, destination)
    scope["lookups"] = entries(lookup.response, "lookups", found)
    return success(lookup.response, scope, asked.manifest.errors)


DIRECT = object()


def _is_current(asked: Asked, destination: Destination) -> bool:
    """Whether a request that says which state of the members it changes names the present one."""
    return str(asked.found.get(REVISION, destination.revision)) == str(destination.revision)


def signal_of(asked: Asked) -> SignalOperation:
    """Return the signal that a request is."""
    part = asked.match.route.part
    if not isinstance(part, SignalOperation):
        raise TypeError(f"{asked.match.route} is no signal")
    return part


def _in_use(asked: Asked) -> Sequence[str]:
    """Return the fields that the request says its rows have, in order; empty where it does not say."""
    one = asked.found.get("identifier.field")
    return asked.found.get("identifiers", ()) if one is None else [one]


def _start_job(asked: Asked, job: Job, scope: Mapping[str, Any]) -> Mapping[str, str]:
    made = JobState(f"job-{asked.account.next_id()}", job, asked.polls, scope)
    asked.account.jobs[made.id] = made
    return {"id": made.id, "status": _status(job.statuses, pending=True, refused=False)}


def refused_whole(asked: Asked, first: Refused) -> Answer:
    """Return the answer to a batch of which one record makes the platform refuse all."""
    told = can_fail_with(asked.connector_type, Category.INVALID_RECORD)
    category = Category.INVALID_RECORD if told else Category.INVALID_REQUEST
    return failure(asked.connector_type, category, f"record {first.index}: {first.message}")


def values_of(match: Match) -> Sequence[Any]:
    """Return the rows of the batch; one that stands in URL or body by its references is `DIRECT`."""
    rows, separator = match.found.get("rows"), match.route.request.rows_joined_by
    if isinstance(rows, str) and separator is not None:
        return rows.split(separator)
    if is_list(rows):
        return rows
    return [match.found["row"]] if "row" in match.found else [DIRECT]


def _resolve(row: Row | None, account: Account, signal: SignalOperation) -> str | None:
    """Put the person behind a remote id into the row."""
    if row is None or row.remote is None or signal.lookup is None:
        return None
    value = account.remote.get(row.remote)
    if value is None:
        return "no such id"
    said = account.profiles.get(row.remote, Row())
    row.identifiers.update({**said.identifiers, signal.lookup.identifier: value})
    row.variables.update(said.variables)
    return None


def _apply(signal: str, account: Account, destination: Destination | None, rows: Sequence[Row]) -> None:
    """Change the members; a request that names no destination, or erases, is about people wherever they are."""
    named = [] if destination is None or signal == "erase" else [destination]
    for target in named or list(account.destinations.values()):
        target.revision += 1
        match signal:
            case "add":
                target.members.add(rows)
            case "remove" | "erase":
                target.members.remove(rows)
            case _:
                target.members.modify(rows)


def is_dry_run(signal: SignalOperation, match: Match) -> bool:
    """Whether the request only asks what would come of it."""
    return signal.dry_run is not None and unify(signal.dry_run, match.body) is not None


def _status(statuses: Mapping[str, OutcomeKind], *, pending: bool, refused: bool) -> str:
    """Return a status of the platform's: the last that means success is the one that admits refused records."""
    if pending:
        return next((name for name, kind in statuses.items() if kind is OutcomeKind.PENDING), "pending")
    done = [name for name, kind in statuses.items() if kind is OutcomeKind.ACCEPTED]
    return done[-1 if refused else 0] if done else "done"


def _held(searched: Sequence[Destination], identifier: str, key: str) -> bool:
    return any(destination.members.has(identifier, key) for destination in searched)


def _keys(asked: Asked) -> list[str]:
    """Return the values that are looked up: a list, or one that stands in URL or body by itself."""
    keys = asked.found.get("lookup.keys", [])
    return [str(item) for item in keys] if is_list(keys) else [str(keys)]


def _made(asked: Asked, lookup: Lookup) -> list[str]:
    """Keep what a look-up says of its people, all of whom exist afterwards, and return their keys."""
    read = reader_of(lookup.row, asked.manifest, ())
    rows = [row for row in map(read, values_of(asked.match)) if row is not None]
    keys: list[str] = []
    for row in rows:
        key = row.identifiers.get(lookup.identifier)
        if key is not None and complaint(asked.manifest, row) is None:
            asked.account.profiles[asked.account.remote_id(key)] = row
            keys.append(key)
    _apply("modify", asked.account, None, rows)
    return keys
