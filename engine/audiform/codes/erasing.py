"""Codes of erasures, drift and history."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "invalid-erasure-request": Code(
        "Not a request to forget somebody",
        "The request names nobody, or a part of it cannot be read. No value of it is repeated in the message.",
        "Write one `identifier: value` in each line, or a JSON object, of one person.",
        "email: ann@example.com\nexternal_id: 4711",
    ),
    "unknown-history-entry": Code(
        "Entry that the history does not have",
        "A command names an apply, a sync or an erasure by its id, and the history has none or several that begin so.",
        "Take the id from `audiform history`.",
    ),
    "no-inverse": Code(
        "Entry that cannot be undone",
        "An inverse undoes an apply or a sync. Whoever was forgotten stays forgotten: nothing is kept that could bring them back.",
        "Name an apply or a sync of `audiform history`.",
    ),
    "unknown-erasure-identifier": Code(
        "Identifier that names nobody",
        "A person can be forgotten by what names them at some platform. A first name or a city does not, and a misspelt "
        "identifier would find nobody, although the person is there.",
        "Give identifiers such as `email`, `phone`, `external_id` or `mobile_advertising_id`.",
    ),
}
