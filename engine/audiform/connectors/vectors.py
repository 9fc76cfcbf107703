"""Published examples of a platform's rules: what an identifier is normalised to, and what is sent.

`vectors.yaml` beside a manifest:

    vectors:
      - identifier: email
        input: " John_Smith@example.com"
        normalised: john_smith@example.com    # before it is hashed; null: the value is invalid
        sent: 62a14e...                       # the hash; not needed where values are sent in clear
        region: US                            # for phone numbers without a country code
        source: https://...                   # where it is published
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from audiform.connectors.aliases import parse
from audiform.connectors.events.identifying import identifiers_of
from audiform.connectors.identifiers import normalize, normalized
from audiform.connectors.manifest import Manifest
from audiform.diagnostics import Diagnostic, DiagnosticError, Location, did_you_mean

FILE = "vectors.yaml"


class Vector(BaseModel):
    """One published example."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: str
    input: str
    normalised: str | None
    sent: str | None = None
    region: str | None = None
    source: str


class Vectors(BaseModel):
    """`vectors.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vectors: tuple[Vector, ...]


def read_vectors(folder: Path, label: str) -> tuple[Vector, ...]:
    """Return the vectors of the type in `folder`; none when it has no file. `label` names it in messages.

    Raises:
        DiagnosticError: the file is not what it should be, with code `wrong-vector`.
    """
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        return Vectors.model_validate(parse(path.read_text(encoding="utf-8"))).vectors
    except ValidationError as error:
        found = [
            f"`{'.'.join(map(str, item['loc']))}`: {item['msg']}."
            for item in error.errors(include_input=False)
        ]
    except ValueError as error:
        found = [f"The file is not YAML: {error}."]
    raise DiagnosticError([_diagnostic(label, text) for text in found])


def check_vectors(manifest: Manifest, vectors: Sequence[Vector], label: str) -> tuple[Diagnostic, ...]:
    """Return one diagnostic, with code `wrong-vector`, for each vector that does not hold."""
    return tuple(_problems(manifest, vectors, label))


def _problems(manifest: Manifest, vectors: Sequence[Vector], label: str) -> Iterator[Diagnostic]:
    known = identifiers_of(manifest)
    for number, vector in enumerate(vectors, start=1):
        identifier = known.get(vector.identifier)
        if identifier is None:
            text = f"Vector {number} is about `{vector.identifier}`, which the manifest does not have."
            yield _diagnostic(label, text, did_you_mean(vector.identifier, known))
            continue
        actual = normalized(identifier, vector.input, vector.region)
        if actual != vector.normalised:
            yield _diagnostic(label, _differs(number, vector, "normalised to", vector.normalised, actual))
            continue
        sent = normalize(identifier, vector.input, region=vector.region, already_hashed=False)
        if vector.sent is not None and sent != vector.sent:
            yield _diagnostic(label, _differs(number, vector, "sent as", vector.sent, sent))


def _differs(number: int, vector: Vector, verb: str, wanted: str | None, actual: str | None) -> str:
    return (
        f"Vector {number}: the {vector.identifier} `{vector.input}` is {verb} `{actual}`, and {vector.source} "
        f"says `{wanted}`. A platform matches nobody by a value that is made in another way than its own."
    )


def _diagnostic(label: str, text: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic("wrong-vector", text, hint=hint, location=Location(f"{label}/{FILE}", 1, 1))
