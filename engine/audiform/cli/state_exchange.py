"""`audiform state pull`, `push` and `migrate`: the records as a file, and the whole state at another place."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from audiform.cli.opening import open_ledger, open_state, state_of
from audiform.cli.options import Options, project_options
from audiform.cli.views.progress import waiting
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.exchange import parsed, pulled, push
from audiform.state.moving import Moved, Opened, move


@click.command("pull", epilog="Example: audiform -e production state pull > state.json")
@project_options
def pull(options: Options) -> None:
    """Print all records as canonical JSON, with lineage and serial. No person and no secret is in it.

    The ledger is not part of it: who is a member stays where the state is kept.
    """
    with open_state(options) as (_, store):
        options.output.data(pulled(store.read()))


@click.command("push", epilog="Example: audiform -e production state push state.json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite a newer state, or one of another lineage.")
@project_options
def push_file(options: Options, file: Path, force: bool) -> None:
    """Put the records of a file, made by `state pull`, in the place of all that are recorded.

    Refused where something was recorded since it was pulled, or where it is of another state. Plans that were made before are
    stale afterwards. The ledger is left as it is.
    """
    view = parsed(file.read_bytes(), file.name)
    with open_state(options) as (_, store), store.lock("audiform state push"):
        serial = push(store, view, force=force)
    options.output.note(
        f"{_counted(len(view.records), 'record')} of {file.name} are the state now, with serial {serial}; the ledger is as it was. "
        "`audiform plan` shows what follows from it"
    )


@click.command("migrate", epilog="Example: audiform state migrate postgresql://db.example.com/audiform")
@click.argument("url")
@project_options
def migrate(options: Options, url: str) -> None:
    """Move the environment's state to another place: records, journal, figures, dead letters, history and ledger.

    Both places are locked; what was written is read back and compared before the old place is marked as moved, so that nobody goes
    on with it. When it was killed, the same command goes on where it was. Each environment is moved by itself.
    """
    with open_ledger(options) as (project, store, ledger):
        source = Opened(store, ledger, project.state.url)
        if url == source.url:
            detail = f"`{url}` is where the state is already. Nothing was changed."
            raise DiagnosticError([Diagnostic("invalid-state-url", detail)])
        there, kept = state_of(project, url)
        with closing(there), waiting("Moving the state", options.output):
            moved = move(source, Opened(there, kept, url))
    options.output.note(
        f"The state is at the new place: {_said(moved)}\nAll of it was read back and compared, and nobody can go on with the old "
        f"place. Write the new one in audiform.yaml, for everybody:\n\n"
        f'    state: {{url: "{url}"}}\n'
    )


def _said(moved: Moved) -> str:
    records, letters = moved.rows["record"], moved.rows["dead_letter"]
    return (
        f"{_counted(records, 'record')}, {_counted(moved.members, 'row')} of the ledger in {_counted(moved.files, 'file')} of "
        f"{_counted(moved.destinations, 'destination')}, and {_counted(letters, 'dead letter')}"
    )


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
