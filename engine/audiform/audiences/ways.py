"""Several bindings of one audience in one table: each column is computed once, whoever needs it.

What is sent of a column is the same wherever it is normalised, checked and hashed by the same rule (`Sent`), whatever the
connector's type. Bindings that are sent the same values of everybody have one `Way` of judging profiles. The first of each
has the plain names of `desired.py`, the next ones a number behind them: `"id:email"`, `"id:email 2"`, `"reason 2"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audiform.audiences.selection import Column, Selection
from audiform.connectors.identifiers import needs_python_sql
from audiform.connectors.manifest import Identifier
from audiform.sql import name

Rule = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """The values of one column as one rule makes them. `name`: of the identifier, with a number from the second rule on."""

    name: str
    identifier: Identifier = field(compare=False)
    source: Column = field(compare=False)

    @property
    def column(self) -> str:
        """The column of what is sent."""
        return name(f"id:{self.name}")

    @property
    def raw(self) -> str:
        """The column of values that only Python can normalise."""
        return name(f"raw:{self.name}")

    @property
    def text(self) -> str:
        """The column of the source's values as text."""
        return name(f"text:{self.source.column}")

    @property
    def needs_python(self) -> bool:
        """Whether single values may have to go through Python."""
        return (
            not self.source.already_hashed
            and needs_python_sql(self.identifier, name(self.source.column)) is not None
        )


@dataclass(frozen=True, slots=True)
class Way:
    """How profiles are judged and named for one selection, and for all that are sent the same of everybody.

    `sent`: identifier -> its values; `mark`: what the names of its columns end with.
    """

    mark: str
    selection: Selection = field(compare=False)
    sent: Mapping[str, Sent] = field(compare=False)

    def column(self, what: str) -> str:
        """Return the column of what it says of each profile: `reason`, `identity`, `variables` or `given`."""
        return name(what + self.mark)

    @property
    def columns(self) -> Mapping[str, str]:
        """Identifier -> column of its values as sent."""
        return {identifier: sent.column for identifier, sent in self.sent.items()}

    @property
    def identifying(self) -> list[Sent]:
        """What names a member."""
        return [self.sent[identifier] for identifier in self.selection.identifying]


def ways_of(selections: Sequence[Selection]) -> list[Way]:
    """Return the way of each selection of one audience; those that are sent the same have the same."""
    rules: dict[Rule, Sent] = {}
    ways: dict[object, Way] = {}
    found: list[Way] = []
    for selection in selections:
        sent = {
            identifier: _sent(selection.manifest.identifiers[identifier], identifier, column, rules)
            for identifier, column in selection.identifiers.items()
        }
        is_what = (
            selection.manifest.identity,
            tuple((identifier, one, identifier in selection.identifying) for identifier, one in sent.items()),
            tuple(sorted(selection.variables.items())),
        )
        found.append(ways.setdefault(is_what, Way(_number(len(ways)), selection, sent)))
    return found


def distinct(ways: Iterable[Way]) -> list[Way]:
    """Return each way once."""
    return list(dict.fromkeys(ways))


def all_sent(ways: Iterable[Way]) -> list[Sent]:
    """Return each column of values as sent once."""
    return list(dict.fromkeys(sent for way in ways for sent in way.sent.values()))


def by_python(ways: Iterable[Way]) -> list[Sent]:
    """Return the columns of which single values may need Python."""
    return [sent for sent in all_sent(ways) if sent.needs_python]


def _sent(known: Identifier, identifier: str, column: Column, rules: dict[Rule, Sent]) -> Sent:
    rule: Rule = (identifier, known.normalize, known.valid, known.hash, known.encoding)
    rule += (column.column, column.region, column.already_hashed)
    before = sum(other[0] == identifier for other in rules)
    return rules.setdefault(rule, Sent(identifier + _number(before), known, column))


def _number(before: int) -> str:
    return f" {before + 1}" if before else ""
