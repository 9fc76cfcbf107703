"""CloudEvents 1.0 over HTTP: structured, binary and batch."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from audiform.collector.answers import Refused, RefusedError
from audiform.collector.drafts import Receipt
from audiform.collector.times import happened, text_of
from audiform.events.event import Event
from audiform.shapes import is_map

STRUCTURED = b"application/cloudevents+json"
BATCH = b"application/cloudevents-batch+json"
_VERSION = "1.0"
_MOST_TEXT = 512
_NAME = re.compile(r"[a-z0-9]{1,40}")
_KNOWN = frozenset(
    {
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "datacontenttype",
        "dataschema",
        "data",
        "data_base64",
    }
)


def from_structured(said: Any, receipt: Receipt) -> Event:
    """Return the event of one JSON object.

    Raises:
        RefusedError: it is no CloudEvent 1.0.
    """
    if not is_map(said):
        raise RefusedError(Refused.INVALID, "a CloudEvent is a JSON object")
    data = said.get("data")
    if "data_base64" in said:
        try:
            data = _read(
                base64.b64decode(str(said["data_base64"]), validate=True),
                str(said.get("datacontenttype", "")),
            )
        except ValueError:
            raise RefusedError(Refused.INVALID, "`data_base64` is not Base64") from None
    return _event(said, data, receipt)


def from_binary(headers: Mapping[bytes, bytes], body: bytes, receipt: Receipt) -> Event:
    """Return the event whose attributes are `ce-` headers and whose data is the body.

    Raises:
        RefusedError: it is no CloudEvent 1.0.
    """
    attributes: dict[str, Any] = {
        name.removeprefix(b"ce-").decode("latin-1"): _header(value)
        for name, value in headers.items()
        if name.startswith(b"ce-")
    }
    kind = headers.get(b"content-type", b"").decode("latin-1")
    return _event(attributes, _read(body, kind) if body else None, receipt)


def _event(said: Mapping[str, Any], data: Any, receipt: Receipt) -> Event:
    if said.get("specversion") != _VERSION:
        raise RefusedError(Refused.INVALID, "`specversion` of a CloudEvent is 1.0")
    own, source, kind = (_required(said, name) for name in ("id", "source", "type"))
    moment = happened(said.get("time"), None, receipt.received, receipt.max_skew)
    body: dict[str, Any] = {"cloud_event": {"id": own, "source": source}}
    if said.get("subject") is not None:
        body["cloud_event"]["subject"] = said["subject"]
    extensions = {
        name: value
        for name, value in said.items()
        if name not in _KNOWN and _NAME.fullmatch(name) and value is not None
    }
    if extensions:
        body["cloud_event"]["extensions"] = extensions
    if is_map(data):
        body["properties"] = data
        body |= _who(data)
    elif data is not None:
        body["data"] = data
    body |= {
        name: extensions[key]
        for name, key in (("user_id", "userid"), ("anonymous_id", "anonymousid"))
        if key in extensions
    }
    return Event(
        _unique(own, source), receipt.source, kind, None, text_of(moment), text_of(receipt.received), body
    )


def _unique(own: str, source: str) -> str:
    """Return the id, unique also among senders: a CloudEvent's own is so only together with its source."""
    try:
        uuid.UUID(own)
    except ValueError:
        return f"{source}#{own}"
    return own


def _who(data: Mapping[str, Any]) -> dict[str, str]:
    """Return who the data is about, where it says so in the usual words."""
    words = {"user_id": ("user_id", "userId"), "anonymous_id": ("anonymous_id", "anonymousId")}
    found = {
        name: next((data[word] for word in each if data.get(word)), None) for name, each in words.items()
    }
    return {name: str(value) for name, value in found.items() if isinstance(value, str | int)}


def _required(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT:
        raise RefusedError(
            Refused.INVALID, f"a CloudEvent needs its `{name}`, a text of at most {_MOST_TEXT} characters"
        )
    return value


def _read(body: bytes, kind: str) -> Any:
    """Return data by its media type: JSON as such, text as text, anything else as Base64."""
    import orjson

    media = kind.partition(";")[0].strip().lower()
    try:
        if not media or media.endswith(("/json", "+json")):
            return orjson.loads(body)
        if media.startswith("text/"):
            return body.decode()
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        raise RefusedError(Refused.NOT_JSON, "the data is not what its content type says") from None
    return base64.b64encode(body).decode()


def _header(value: bytes) -> str:
    """Return the text of a header, which percent-encodes what is not ASCII."""
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise RefusedError(Refused.INVALID, "a header of the CloudEvent is not UTF-8") from None
