"""Text for XML 1.0, which cannot hold every character in any way of writing it."""

from __future__ import annotations

import re

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(text: str) -> str:
    """Return the text with a replacement for what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
