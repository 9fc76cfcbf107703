"""Codes of plan, apply, sync and the commands around them."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "secret-unavailable": Code(
        "Secret not available",
        "A request needs a credential, and the place that its reference names does not hold it.",
        "Set the environment variable, or mend the file or the command that the message names.",
    ),
    "secret-exposed": Code(
        "Secret that others can read",
        "The file of a secret can be read by every user of this machine.",
        "Take that right away with `chmod 600`.",
    ),
    "file-exists": Code(
        "File is already there",
        "A command that makes files found one with that name, and it never overwrites what you wrote.",
        "Choose another folder, or move the file away.",
    ),
    "not-applied": Code(
        "Changed since the last apply",
        "The project differs from what was applied. A sync sends only what a plan showed and an apply recorded.",
        "Read `audiform plan`, then run `audiform apply`.",
    ),
    "unknown-state-backend": Code(
        "State cannot be kept there",
        "The project's state URL names a place that this version of Audiform cannot keep state in.",
        "Write a folder on a volume that all runs share, a database or a bucket.",
        'state: {url: "postgresql://db.example.com/audiform"}  # or file:.audiform',
    ),
    "invalid-memory-limit": Code(
        "Memory limit is no size",
        "`--memory-limit` takes a number and a unit.",
        "Write `800MB` (a thousand thousand bytes each) or `1GiB` (1,024 times 1,024 times 1,024).",
    ),
    "memory-limit-too-small": Code(
        "Memory limit too small to begin with",
        "A command takes some memory before the first person is read, and needs room to divide many people into parts.",
        "Write a larger limit. It need not grow with the people: what does not fit goes to disk.",
        "memory_limit: 800MB",
    ),
    "memory-limit-reached": Code(
        "Not enough memory to compare people",
        "Sorting and joining go to disk where memory ends, but each step needs some room for each processor. With the given limit "
        "there was not enough of it.",
        "Allow more with `--memory-limit`, or in `audiform.yaml`, or sync fewer bindings at once. A run that was stopped goes on: what was "
        "accepted is not sent again.",
        "memory_limit: 2GB",
    ),
    "spill-disk-full": Code(
        "Disk full while people were compared",
        "What does not fit into the memory limit goes to disk, and there was no room left on it. Nothing stays there: it is removed at the "
        "end of the command.",
        "Make room beside the ledger (or in `TMPDIR`, where the state is in a database or a bucket), or allow more memory.",
    ),
    "state-not-written": Code(
        "State could not be written",
        "The disk of the state did not take what a command had to write: it is full, a quota is reached, or the files may only be "
        "read. Nothing is sent that is not written down first, so the command stopped.",
        "Make room, or give the right to write there, and run the command again: it goes on from where it was.",
    ),
    "state-not-readable": Code(
        "State could not be read",
        "The database of the state is there, with changes that were not yet folded into it, and it could not be opened. To read it "
        "without those changes would be to forget what was done last.",
        "Make room on the disk, or give the right to write beside the database.",
    ),
    "state-key-lost": Code(
        "Key of the state is missing",
        "The key beside the state is gone, or is another one. Without it nobody can tell which secrets changed and who is a "
        "member already, and what is kept encrypted cannot be read.",
        "Restore the file from a backup of the state's folder.",
    ),
    "ledger-key-beside": Code(
        "Ledger without a key of its own",
        "A binding of a protected environment sends identifiers in clear. The ledger keeps what was sent, encrypted, and the key "
        "of the state lies beside it: who copies the folder, the bucket or a backup has both.",
        "Set `AUDIFORM_LEDGER_KEY` to 32 characters or more wherever the environment is planned, applied or synced, and keep it "
        "where you keep secrets. A ledger that exists is encrypted anew by `audiform state rekey`.",
    ),
    "ledger-key-missing": Code(
        "Key of the ledger is not there",
        "The ledger is encrypted with a key from the environment, and the environment variable is not set.",
        "Set `AUDIFORM_LEDGER_KEY`; for a rekey also `AUDIFORM_LEDGER_KEY_OLD`.",
    ),
    "ledger-key-wrong": Code(
        "Another key than the ledger's",
        "The environment holds a key, and it is not the one that the ledger is encrypted with.",
        "Set the right one. To change the key, set the new one as `AUDIFORM_LEDGER_KEY` and the old one as "
        "`AUDIFORM_LEDGER_KEY_OLD`, and run `audiform state rekey`.",
    ),
    "ledger-not-rekeyed": Code(
        "Ledger that the key is new to",
        "`AUDIFORM_LEDGER_KEY` was set after the ledger had been encrypted with the key beside the state.",
        "Run `audiform state rekey` once.",
    ),
    "ledger-rekey-unfinished": Code(
        "Change of the ledger's key that did not end",
        "A rekey was interrupted: some of the ledger is encrypted with the old key and some with the new one.",
        "Run `audiform state rekey` again with the same two keys; it goes on where it was.",
    ),
    "ledger-rekey-failed": Code(
        "Ledger that was not encrypted anew",
        "A rekey reads back what it wrote and compares it with what was there. It was not the same, so it does not count.",
        "See whether the disk is damaged or full, and run `audiform state rekey` again.",
    ),
    "invalid-ledger-key": Code(
        "Not a key for the ledger",
        "An environment variable that holds a key for the ledger is too short to be one.",
        "Make one with `openssl rand -hex 32`.",
    ),
    "state-too-new": Code(
        "State of a newer version",
        "A newer Audiform wrote the state. This one could misunderstand what it recorded, and overwrite it.",
        "Use the version that wrote it, or a newer one.",
    ),
    "unknown-binding": Code(
        "Binding that the project does not have",
        "A command names a binding that no file of the project declares.",
        "Mend the name; `audiform graph` lists the bindings.",
    ),
    "unknown-address": Code(
        "Address that the state does not have",
        "A command names a resource that is not recorded in the state.",
        "Mend the address; `audiform state list` shows those that are recorded.",
    ),
    "invalid-address": Code(
        "Not an address",
        "An address is written `kind.name`, such as `binding.lapsed_on_ads`.",
        "Write it so; `audiform state list` shows those that are recorded.",
    ),
    "invalid-move": Code(
        "Record cannot have that address",
        "A record keeps its kind, and no two records have the same address.",
        "Choose an address of the same kind that is free.",
    ),
    "record-in-use": Code(
        "Record that others depend on",
        "Other records of the state need this one: without it nobody could reach what they have at the platform.",
        "Forget those first.",
    ),
    "invalid-plan": Code(
        "Not a plan file",
        "The file was not written by `audiform plan --out`, by another version of Audiform, or it was edited or cut.",
        "Make a new one with `audiform plan --out FILE`.",
    ),
    "plan-of-another-project": Code(
        "Plan of another project",
        "A plan is for the project that it was made in. In another one its steps would mean something else.",
        "Apply it in the project's own folder.",
    ),
    "plan-of-another-environment": Code(
        "Plan of another environment",
        "A plan is for the environment that it was made for. Environments have their own state, members and objects.",
        "Name the environment with `-e`.",
    ),
    "plan-of-another-version": Code(
        "Plan of another version",
        "Another version of Audiform may do the same steps differently from what was reviewed.",
        "Make and apply the plan with the same version.",
    ),
    "plan-of-another-state": Code(
        "Plan made from another state",
        "The plan was made from a copy of the state, or from one that does not exist any more. It does not know what is "
        "recorded here.",
        "Make a new one with `audiform plan --out FILE`.",
    ),
    "plan-stale": Code(
        "State changed since the plan",
        "Something was applied or recorded after the plan was made. What it shows is no longer the difference.",
        "Make a new one with `audiform plan --out FILE`.",
    ),
    "plan-config-changed": Code(
        "Project changed since the plan",
        "The project's files, rendered for the environment, say something else than when the plan was made. What was reviewed "
        "is not what would be done.",
        "Check out the commit that was reviewed, or make a new plan.",
    ),
    "plan-types-changed": Code(
        "Connector type changed since the plan",
        "The manifest of a connector type that the plan uses is another one by now, so the same steps would send other requests.",
        "Make a new one with `audiform plan --out FILE`.",
    ),
    "plan-expired": Code(
        "Plan that has expired",
        "A plan holds for a day. After that people have moved, and what was reviewed says little.",
        "Make a new one with `audiform plan --out FILE`.",
    ),
    "plan-unsigned": Code(
        "Plan without a signature",
        "There is a key for plans in the environment, so only signed plans are applied. This one has no signature.",
        "Make the plan where the key is: `AUDIFORM_PLAN_KEY` or `AUDIFORM_PLAN_PRIVATE_KEY`.",
    ),
    "plan-of-another-key": Code(
        "Plan signed with another key",
        "The plan's signature is of a key that is not trusted here.",
        "Make the plan with a key that `AUDIFORM_PLAN_KEY` or `AUDIFORM_PLAN_PUBLIC_KEY` holds where it is applied.",
    ),
    "plan-tampered": Code(
        "Plan changed after it was signed",
        "The plan's signature is not one of what the file says: it was edited, cut or damaged after it was signed.",
        "Make a new one with `audiform plan --out FILE`, and have it read again.",
    ),
    "plan-used": Code(
        "Plan that was applied before",
        "A signed plan is applied once. What it did is recorded, and doing it again was reviewed by nobody.",
        "Make a new one with `audiform plan --out FILE`, also when the first apply was interrupted.",
    ),
    "invalid-plan-key": Code(
        "Not a key for plans",
        "An environment variable that holds a key for signing or verifying plans holds something else.",
        "Make a shared key with `openssl rand -hex 32`, or a pair with `audiform connectors keygen FILE`.",
    ),
    "plan-edited": Code(
        "Plan file that was edited",
        "A step of the plan does not follow from the project and the state that it was made from: the file was edited.",
        "Make a new one with `audiform plan --out FILE`.",
    ),
}
