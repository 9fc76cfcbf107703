"""Codes of places that a state is kept in, and of moving it."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "state-url-password": Code(
        "Password in the state's URL",
        "The URL of the state has a password in it. Whoever reads the project's files reads it too. It is shown nowhere.",
        "Take it out and give it where the client looks for it: PGPASSWORD, a password file or a service for PostgreSQL; the "
        "environment, a profile or a role for S3.",
        'state: {url: "postgresql://audiform@db.example.com/audiform?passfile=/run/secrets/pgpass"}',
    ),
    "invalid-state-url": Code(
        "Not a place for a state",
        "The URL of the state begins like one of a backend and goes on like none.",
        "Write the database's host and name (the schema is named after project and environment), or a bucket and a prefix.",
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
    "state-journal-lost": Code(
        "Journal of the state is missing",
        "The records are there, and the object that says what was on its way is not. Without it somebody could be sent twice.",
        "Restore it from a backup, or from the bucket's versions.",
    ),
    "ledger-file-missing": Code(
        "File of the ledger is gone",
        "A file that the ledger's list names is not there. It was replaced while it was read, or it is lost.",
        "Run the command again; if it says the same, restore the state from a backup.",
    ),
    "state-moved": Code(
        "State that was moved elsewhere",
        "The state was moved to another place, and what is here is what it was before. Going on here would send people twice.",
        "Write the new place as the state's URL.",
    ),
    "state-arriving": Code(
        "State that has not arrived yet",
        "A state is being moved to this place, and not all of it is here.",
        "Wait until `audiform state migrate` ends; if it was interrupted, run it again.",
    ),
    "state-empty": Code(
        "Nothing to move",
        "Nothing was ever recorded at the place that the project names.",
        "Write the new place as the state's URL; the first apply makes the state there.",
    ),
    "state-not-empty": Code(
        "Another state is there",
        "A state is moved only to where there is none, or to where it was moved away from.",
        "Choose another place, or another schema, folder or prefix in it.",
    ),
    "state-not-the-same": Code(
        "State that was not moved whole",
        "What was written to the new place was read back, and is not the same as at the old one. It does not count.",
        "Run `audiform state migrate` again; if it says the same, see whether a disk is damaged or full.",
    ),
    "invalid-state-file": Code(
        "Not a pulled state",
        "The file is not what `audiform state pull` prints.",
        "Pull the state again, and edit nothing but what you mean to.",
    ),
    "state-of-another-lineage": Code(
        "Records of another state",
        "The file was pulled from a state that was begun apart from this one. Its records are of other objects.",
        "Push it where it was pulled. `--force` overwrites this state all the same.",
    ),
    "state-older": Code(
        "Records of before",
        "Something was recorded since the file was pulled, and would be lost.",
        "Pull again. `--force` overwrites what was recorded.",
    ),
}
