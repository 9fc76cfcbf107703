"""`audiform dead-letters`: records that a platform rejected, without the people in them."""

from __future__ import annotations

from dataclasses import asdict

import click

from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views.table import table
from audiform.state.store import DeadLetter

_DIGEST_LENGTH = 12


@click.group()
def command() -> None:
    """Look at the records that a platform rejected. They are sent again when they change.

    Example: audiform dead-letters list
    """


@command.command("list", epilog="Example: audiform -e production dead-letters list --json")
@click.option("--binding", metavar="NAME", help="Only those of one binding.")
@json_option
@project_options
def list_them(options: Options, binding: str | None, as_json: bool) -> None:
    """List rejected records: when, for which binding, and what the platform said.

    A person is a keyed digest, the same for the same person, that nobody can turn back.
    """
    with open_state(options) as (_, store):
        letters = [letter for letter in store.dead_letters() if binding in (None, letter.binding)]
    if as_json:
        options.output.json([{**asdict(letter), "at": letter.at.isoformat()} for letter in letters])
        return
    options.output.data(_text(letters))


def _text(letters: list[DeadLetter]) -> str:
    if not letters:
        return "No record was rejected"
    rows = [
        (
            f"{letter.at:%Y-%m-%d %H:%M}",
            letter.binding,
            letter.signal,
            letter.identity[:_DIGEST_LENGTH],
            letter.category,
            letter.message,
        )
        for letter in letters
    ]
    heads = ("when (UTC)", "binding", "signal", "person", "category", "message")
    lines = table([heads, *rows], left=len(heads))
    count = f"{len(letters):,} rejected record{'' if len(letters) == 1 else 's'}"
    return "\n".join([*lines, "", f"{count}. Send them again with `audiform sync --retry-rejected`."])
