"""`audiform forget`: takes a person who asked for it out of every destination, and sends them never again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from audiform.cli.failures import Exit
from audiform.cli.opening import open_runtime, open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.running import run
from audiform.cli.views import forget_text
from audiform.erasure.erase import erase
from audiform.erasure.events import what_is_left
from audiform.erasure.forms import Forms, forms_of
from audiform.erasure.report import Place, place_data, receipt_data
from audiform.erasure.request import Request, read_request
from audiform.erasure.search import search
from audiform.runtime import Runtime

_REFUSED = (
    "`audiform forget` takes no identifier as an argument: arguments are seen by everybody on this machine (`ps`) and kept "
    "in the shell's history. Nothing was looked for\nWrite them into a file, or pipe them in:\n\n"
    "    audiform forget --from request.txt\n    audiform forget < request.txt"
)


@click.command(epilog="Example: audiform -e production forget --from request.txt")
@click.argument("arguments", nargs=-1, metavar="")
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the request; without it the request is read from stdin.",
)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option(
    "--list",
    "listing",
    is_flag=True,
    help="Show how many were forgotten and when; identifiers are not known.",
)
@json_option
@project_options
def command(
    options: Options,
    arguments: tuple[str, ...],
    file: Path | None,
    auto_approve: bool,
    listing: bool,
    as_json: bool,
) -> int:
    """Forget one person: show where they were sent, and, when that is approved, take them out and never send them again.

    The request has a line `identifier: value` for each identifier of the person (email, phone, external_id, ...). Nobody is
    asked where the request comes from stdin: without --auto-approve it is only shown then, and ends with 2.

    Killed or interrupted, the same command goes on where it was. Ends with 1 when something is left for somebody to do.
    """
    if arguments:
        raise click.UsageError(_REFUSED)
    if listing:
        return _list(options, as_json=as_json)
    request = read_request(_text(file))
    with open_runtime(options) as runtime, runtime.store.lock("audiform forget"):
        forms = forms_of(runtime, request)
        places = search(runtime, forms.keys)
        if not as_json:
            where = f"project {runtime.project.name}, environment {runtime.project.environment.name}"
            options.output.data(
                forget_text.plan(
                    request.identifiers, places, where, what_is_left(runtime), colour=options.output.colour
                )
            )
        if not auto_approve and not _agreed(file):
            return _not_done(options, request, places, as_json=as_json)
        return _erase(runtime, forms, places, options, as_json=as_json)


def _erase(
    runtime: Runtime, forms: Forms, places: Sequence[Place], options: Options, *, as_json: bool
) -> int:
    try:
        erased = run(runtime, erase(runtime, forms, places))
    except KeyboardInterrupt:
        options.output.note("What was done is recorded; the same command again goes on from there")
        raise
    if as_json:
        receipts = [receipt_data(receipt) for receipt in erased.receipts]
        data = {"request": erased.request, "ok": erased.ok, "tombstones": erased.tombstones}
        options.output.json(
            {
                **data,
                "rows": erased.rows,
                "dead_letters": erased.letters,
                "events": erased.events.data(),
                "receipts": receipts,
            }
        )
    else:
        options.output.data(forget_text.receipts(erased, colour=options.output.colour))
    return Exit.DONE if erased.ok else Exit.ERROR


def _not_done(options: Options, request: Request, places: Sequence[Place], *, as_json: bool) -> int:
    if as_json:
        data = {"identifiers": list(request.identifiers), "places": [place_data(place) for place in places]}
        options.output.json(data)
    options.output.note("\nNothing was done. To do it, give the same request again with --auto-approve")
    return Exit.CHANGES


def _text(file: Path | None) -> str:
    try:
        if file is not None:
            return file.read_text(encoding="utf-8")
        if sys.stdin.isatty():
            click.echo("The identifiers of one person, a line each; end with Ctrl-D:", err=True)
        return sys.stdin.read()
    except OSError as problem:
        raise click.ClickException(f"the request cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise click.ClickException("the request is not UTF-8 text, so nothing was looked for") from None


def _agreed(file: Path | None) -> bool:
    """Ask, where there is a terminal that the request does not come from."""
    if file is None or not sys.stdin.isatty():
        return False
    answer: str = click.prompt(
        "\nDo this? It cannot be undone. Only `yes` is taken as yes", default="", show_default=False, err=True
    )
    return answer.strip() == "yes"


def _list(options: Options, *, as_json: bool) -> int:
    with open_state(options) as (_, store):
        stones = store.tombstones()
    if as_json:
        options.output.json(forget_text.requests_data(stones))
    else:
        options.output.data(forget_text.listing(stones))
    return Exit.DONE
