"""The request of an erasure: read as it was written, and no value of it in a message."""

from __future__ import annotations

import pytest

from audiform.diagnostics import DiagnosticError
from audiform.erasure.request import Request, read_request

CANARY = "canary@example.com"


@pytest.mark.parametrize(
    "text",
    [
        f"email: {CANARY}\nphone: +1 202 555 0143\n",
        f"\ufeff# of ticket 12\n\n  email :  '{CANARY}'\nphone: +1 202 555 0143\nemail: {CANARY}",
        f'{{"email": ["{CANARY}", "{CANARY}"], "phone": "+1 202 555 0143"}}',
    ],
    ids=["lines", "comments", "json"],
)
def test_identifiers_are_read(text):
    """Lines and JSON say the same; what is said twice counts once; the values are in no repr."""
    request = read_request(text)

    assert Request((("email", CANARY), ("phone", "+1 202 555 0143"))) == request
    assert ("email", "phone") == request.identifiers
    assert CANARY not in repr(request)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nobody\n",
        CANARY,
        f"email: \nemail: {CANARY}",
        f'{{"email": {{"of": "{CANARY}"}}}}',
        f'{{"email": "{CANARY}"',
        '{"email": true}',
        "\n".join(f"email: {number}{CANARY}" for number in range(101)),
    ],
    ids=["empty", "comment", "no name", "no value", "nested", "cut", "truth", "crowd"],
)
def test_what_is_no_request_is_refused_without_repeating_it(text):
    """The message says what is wrong and how a request is written, and holds no value."""
    with pytest.raises(DiagnosticError) as caught:
        read_request(text)

    assert ["invalid-erasure-request"] == [item.code for item in caught.value.diagnostics]
    assert CANARY not in str([item.detail for item in caught.value.diagnostics])
