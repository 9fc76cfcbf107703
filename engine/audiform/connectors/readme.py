"""The README of a connector type: what a manifest cannot say, by section. Written by hand, held to a form by the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_YAML = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Readme:
    """Sections as Markdown without their headings; empty where the README lacks one. `example` is YAML."""

    intro: str = ""
    settings: str = ""
    credentials: str = ""
    example: str = ""
    limits: str = ""
    errors: str = ""
    cannot: str = ""
    verified: str = ""


def read_readme(folder: Path) -> Readme:
    """Return what the README of the type in `folder` says; nothing where there is none."""
    path = folder / "README.md"
    if not path.is_file():
        return Readme()
    first, *rest = _HEADING.split(path.read_text(encoding="utf-8"))
    parts = {title: text.strip() for title, text in zip(rest[::2], rest[1::2], strict=True)}
    block = _YAML.search(parts.get("Example", ""))
    return Readme(
        intro=first.partition("\n")[2].strip(),
        settings=parts.get("Settings", ""),
        credentials=parts.get("Credentials, and how to get them", ""),
        example=block.group(1).rstrip() if block else "",
        limits=parts.get("Limits", ""),
        errors=parts.get("Errors, and what to do", ""),
        cannot=parts.get("What cannot be done there", ""),
        verified=parts.get("Verified", ""),
    )
