"""Codes of places that a state is kept in, and of moving it."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "state-url-password": Code(
        "Password in the state's URL",
        "The URL of the state has a password in it. Whoever reads the project's files reads it too. It is shown nowhere.",
        "Take it out and give it in the environment variable PGPASSWORD, in a password file or in a service.",
        'state: {url: "postgresql://audiform@db.example.com/audiform?passfile=/run/secrets/pgpass"}',
    ),
    "invalid-state-url": Code(
        "Not a place for a state",
        "The URL of the state begins like one of a backend and goes on like none.",
        "Write the database's host and name; the schema is named after project and environment.",
        'state: {url: "postgresql://db.example.com/audiform"}',
    ),
    "state-client-missing": Code(
        "Client of the state's backend is not installed",
        "What reaches the place of the state is an extra that not every installation has.",
        "Install it; the message says how.",
    ),
    "state-unreachable": Code(
        "State cannot be reached",
        "The server that keeps the state does not answer, or does not let this user in. Nothing is sent without the state.",
        "See whether it runs and whether this machine and user may connect; then run the command again.",
    ),
    "state-refused": Code(
        "State's server refused a statement",
        "The server that keeps the state answers, and did not do what was asked of it.",
        "Give the user the right to make the schema, or make it with this user as its owner.",
    ),
    "state-lock-lost": Code(
        "Lock of the state was lost",
        "The connection that held the lock broke, or somebody released the lock. Another run may have begun, so this one stopped. "
        "What was under way is in the journal.",
        "Run the command again; it goes on from there.",
    ),
    "ledger-file-missing": Code(
        "File of the ledger is gone",
        "A file that the ledger's list names is not there. It was replaced while it was read, or it is lost.",
        "Run the command again; if it says the same, restore the state from a backup.",
    ),
}
