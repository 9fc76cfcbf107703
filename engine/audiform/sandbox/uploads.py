"""Rows that arrive as a file, and are there when a signal names them."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from audiform.connectors.manifest import SignalOperation, Upload
from audiform.connectors.multipart import facts_of, read, rows_of
from audiform.outcome import Category
from audiform.sandbox.answers import failure, success
from audiform.sandbox.asked import Asked
from audiform.sandbox.scopes import scope_of
from audiform.sandbox.wire import Answer


def keep(asked: Asked, upload: Upload) -> Answer:
    """Keep the rows of a file whose checksum and form are right."""
    template = upload.request.multipart
    form = read(asked.call.headers.get("content-type", ""), asked.call.body)
    content = None if template is None or form is None else form.files.get(template.file.part)
    if template is None or content is None:
        return failure(asked.connector_type, Category.INVALID_REQUEST, "There is no file")
    told = {name: value for name, value in asked.found.items() if name.startswith("file.")}
    facts = facts_of(content)
    if any(str(facts[name.removeprefix("file.")]) != str(value) for name, value in told.items()):
        return failure(
            asked.connector_type, Category.INVALID_REQUEST, "The file is not the one that was sent"
        )
    try:
        rows = rows_of(template.file, content)
    except ValueError:
        return failure(asked.connector_type, Category.INVALID_REQUEST, "The file cannot be read")
    identity = sha256(f"{asked.account.next_id()}".encode()).hexdigest()[:16]
    asked.account.uploads[identity] = {**asked.found, "rows": rows}
    scope = {**scope_of(asked.found, None), "upload": {"id": identity}}
    return success(upload.response, scope, asked.manifest.errors)


def with_upload(asked: Asked) -> Asked | Answer:
    """Return a signal with the rows that it names."""
    part = asked.match.route.part
    if not isinstance(part, SignalOperation) or part.upload is None:
        return asked
    uploaded = asked.account.uploads.get(str(asked.found.get("upload.id")))
    if uploaded is None:
        return failure(asked.connector_type, Category.INVALID_REQUEST, "There is no such file")
    return replace(asked, match=replace(asked.match, found={**uploaded, **asked.found}))
