"""`audiform state`: what is recorded, and the few ways to mend it by hand. Nothing here reaches a platform."""

from __future__ import annotations

import click

from audiform.address import Address, parse_address
from audiform.cli.failures import Exit
from audiform.cli.opening import open_ledger, open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.state_exchange import migrate, pull, push_file
from audiform.cli.views import state_text
from audiform.cli.views.progress import waiting
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.state.mending import forget, rename
from audiform.state.store import StateView


@click.group()
def command() -> None:
    """Look at the recorded state and mend it by hand. Nothing here reaches a platform.

    Example: audiform state list
    """


@command.command("list", epilog="Example: audiform -e production state list --json")
@json_option
@project_options
def list_them(options: Options, as_json: bool) -> None:
    """List the recorded addresses, with the id of each binding's destination."""
    with open_state(options) as (_, store):
        view = store.read()
    if as_json:
        options.output.json(state_text.list_data(view))
    elif view.records:
        options.output.data(state_text.listing(view))
    else:
        options.output.note("Nothing is recorded yet: `audiform apply` does that")


@command.command("show", epilog="Example: audiform state show binding.lapsed_on_ads")
@click.argument("address")
@json_option
@project_options
def show(options: Options, address: str, as_json: bool) -> None:
    """Show one record: what Audiform created and last wrote."""
    with open_state(options) as (_, store):
        view = store.read()
    record = view.records[_recorded(address, view)]
    if as_json:
        options.output.json(state_text.data(record))
    else:
        options.output.data(state_text.detail(record))


@command.command("mv", epilog="Example: audiform state mv binding.lapsed binding.lapsed_on_ads")
@click.argument("old")
@click.argument("new")
@project_options
def move(options: Options, old: str, new: str) -> None:
    """Give a record another address, after a resource was renamed in the YAML: nothing is created or deleted.

    What depends on it, and the members that it added, go along.
    """
    with open_ledger(options) as (_, store, ledger), store.lock("audiform state mv"):
        source = _recorded(old, store.read())
        target = _address(new)
        rename(store, ledger, source, target)
    options.output.note(f"{source} is {target} from now on; `audiform plan` shows what is left to do")


@command.command("rm", epilog="Example: audiform state rm binding.lapsed_on_ads")
@click.argument("address")
@project_options
def remove(options: Options, address: str) -> None:
    """Forget a record: its destination and the people in it stay at the platform, and nobody removes them any more."""
    with open_ledger(options) as (_, store, ledger), store.lock("audiform state rm"):
        chosen = _recorded(address, store.read())
        forget(store, ledger, chosen)
    options.output.note(f"{chosen} is forgotten; at the platform everything is as it was")


@command.command("unlock", epilog="Example: audiform -e production state unlock")
@project_options
def unlock(options: Options) -> int:
    """Take the lock away from a run that no longer exists."""
    with open_state(options) as (_, store):
        holder = store.force_unlock()
    if holder is None:
        options.output.note("Nobody holds the lock")
    else:
        since = f"{holder.since:%Y-%m-%d %H:%M:%S} UTC"
        options.output.note(
            f"The lock of {holder.who} on {holder.host} (pid {holder.pid}) for `{holder.operation}`, held since {since}, "
            "is released"
        )
    return Exit.DONE


@command.command("rekey", epilog="Example: audiform -e production state rekey")
@project_options
def rekey(options: Options) -> None:
    """Encrypt the ledger with another key: from AUDIFORM_LEDGER_KEY_OLD to AUDIFORM_LEDGER_KEY.

    Without an old one it is the key beside the state that is given up. Everything that was written is read back and compared.
    Until it ends nothing else opens the ledger; when it was killed, the same command goes on where it was.
    """
    with (
        open_ledger(options) as (_, store, ledger),
        store.lock("audiform state rekey"),
        waiting("Encrypting the ledger with the new key", options.output),
    ):
        people = [*ledger.rekey()]
    if people:
        options.output.note(
            f"The ledger is encrypted with the present key; {sum(people)} members were encrypted anew and read back. The files of "
            "before are removed, and the old key is needed for backups only"
        )
    else:
        options.output.note("The ledger is encrypted with the present key already; nothing was changed")


for exchange in (pull, push_file, migrate):
    command.add_command(exchange)


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as problem:
        raise DiagnosticError([Diagnostic("invalid-address", f"{problem}.")]) from None


def _recorded(text: str, view: StateView) -> Address:
    address = _address(text)
    if address not in view.records:
        known = [str(one) for one in view.records]
        detail = f"`{address}` is not recorded in the state. `audiform state list` shows what is."
        raise DiagnosticError([Diagnostic("unknown-address", detail, hint=did_you_mean(text, known))])
    return address
