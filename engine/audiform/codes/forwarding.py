"""Codes of what takes events in, keeps them and sends them on."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "address-in-use": Code(
        "Cannot listen there",
        "The address or port on which events are to be taken in cannot be used.",
        "End what listens there, or choose another port with `audiform run --port`.",
    ),
    "library-missing": Code(
        "Library is not installed",
        "What was asked for needs a Python package that only some users need.",
        "Install the extra that the message names.",
    ),
    "event-log-too-new": Code(
        "Log of events of a newer version",
        "A newer Audiform wrote the log of events. This one could misunderstand what is in it, and lose some.",
        "Use the version that wrote it, or a newer one.",
    ),
}
