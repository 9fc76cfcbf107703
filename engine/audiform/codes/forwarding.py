"""Codes of what takes events in, keeps them and sends them on."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "event-log-too-new": Code(
        "Log of events of a newer version",
        "A newer Audiform wrote the log of events. This one could misunderstand what is in it, and lose some.",
        "Use the version that wrote it, or a newer one.",
    ),
}
