"""What the platforms must hold after a run, said without the engine: plain Python over the rows, one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

# What may stand in a column, where it is not written as it is meant -> the identifier; None where nobody is meant.
EMAILS: Mapping[str | None, str | None] = {
    " Ann@Example.COM ": "ann@example.com",
    "BOB@example.com": "bob@example.com",
    "nobody": None,
}
PHONES: Mapping[str | None, str | None] = {"(415) 555-0100": "+14155550100", "12345": None}
NAMED_BY = {"mail": "email", "app": "external_id"}
"""Connector -> the one identifier of a member there; on the others each identifier stands by itself."""
EXTERNAL = frozenset({"crm", "app"})
"""Connectors whose objects exist already; a binding names one by its id."""

Key = tuple[str, str]
"""Identifier and its value as sent."""
Members = dict[Key, int | None]
"""Key -> the member's score, where the platform keeps it."""


@dataclass(frozen=True)
class Profile:
    """A row. `audiences` is `a`, `b`, `ab` or empty."""

    email: str | None
    phone: str | None
    consent: bool | None
    score: int | None
    audiences: str


@dataclass(frozen=True)
class Binding:
    """A binding as the YAML has it."""

    audience: str
    connector: str
    title: str
    on_delete: str
    enabled: bool = True


@dataclass(eq=False)
class Remote:
    """A remote object. `owners`: binding -> whom it added; one that ended frozen still owns them.

    `doubtful`: who was there, nobody's, and may have been added by a run that did not get to its end: if it was,
    they are ours from then on and leave like anybody else.
    """

    connector: str
    title: str
    members: Members = field(default_factory=dict)
    owners: dict[str, set[Key]] = field(default_factory=dict)
    doubtful: set[Key] = field(default_factory=set)
    was_shared: bool = False


def keys(connector: str, number: int, profile: Profile) -> dict[str, str]:
    """Return what a profile is known by on a platform: identifier -> value as sent."""
    hashed = {"ads": "email phone", "match": "email phone", "crm": "email"}.get(connector, "")
    phone = PHONES.get(profile.phone, profile.phone)
    values = {
        "email": EMAILS.get(profile.email, profile.email),
        "phone": phone and (phone.removeprefix("+") if connector == "ads" else phone),
        "external_id": str(number),
    }
    names = [NAMED_BY[connector]] if connector in NAMED_BY else ["email", "phone"]
    return {
        name: sha256(value.encode()).hexdigest() if name in hashed else value
        for name in names
        if (value := values[name])
    }


def wanted(people: Mapping[int, Profile], binding: Binding) -> Members:
    """Return whom a binding's audience means now; of profiles with the same key the lowest number speaks."""
    found: Members = {}
    for number in sorted(people, reverse=True):
        profile = people[number]
        if profile.consent and binding.audience in profile.audiences:
            score = profile.score if binding.connector in NAMED_BY else None
            found |= dict.fromkeys(keys(binding.connector, number, profile).items(), score)
    return found


@dataclass
class Model:
    """What was applied last, and what the platforms hold since."""

    bindings: dict[str, Binding] = field(default_factory=dict)
    at: dict[str, Remote] = field(default_factory=dict)
    remotes: list[Remote] = field(default_factory=list)

    def settle(self, defined: Mapping[str, Binding], people: Mapping[int, Profile]) -> None:
        """Do what the definitions say: end what is gone or moved, begin what is new, then send."""
        moved = set()
        for name, remote in sorted(self.at.items(), key=lambda item: item[0]):
            if remote not in self.remotes:
                del self.at[name]  # it vanished at the platform: there is nothing to end
            elif name not in defined or moves(self.bindings[name], defined[name]):
                moved.add(name)
                self._end(name, self.at.pop(name))
        for name, binding in sorted(defined.items()):
            if name in self.at:
                self.at[name].title = binding.title
            elif binding.enabled or name in moved:
                self._begin(name, binding)
        self.bindings = {name: defined[name] for name in self.at}
        for name, binding in sorted(self.bindings.items()):
            if binding.enabled:
                _send(self.at[name], name, wanted(people, binding))

    def disturb(self, defined: Mapping[str, Binding], people: Mapping[int, Profile]) -> None:
        """Take into account that a run got nobody knows how far. All that it did is done again, but for one thing."""
        ending = {n for n in self.at if n not in defined or moves(self.bindings[n], defined[n])}
        for remote in self.remotes:
            stays = {key for owner, theirs in remote.owners.items() if owner not in ending for key in theirs}
            for binding in defined.values():
                there = (remote.connector, remote.title) == (binding.connector, binding.title)
                if there and remote.connector in EXTERNAL and binding.enabled:
                    remote.doubtful |= (wanted(people, binding).keys() & remote.members.keys()) - stays

    def _begin(self, name: str, binding: Binding) -> None:
        same = [
            one for one in self.remotes if (one.connector, one.title) == (binding.connector, binding.title)
        ]
        if binding.connector not in EXTERNAL or not same:
            same = [Remote(binding.connector, binding.title)]
            self.remotes += same
        same[0].owners.setdefault(name, set())
        same[0].was_shared |= len(same[0].owners) > 1
        self.at[name] = same[0]

    def _end(self, name: str, remote: Remote) -> None:
        match self.bindings[name].on_delete:
            case "keep":
                del remote.owners[name]
            case "freeze":
                pass  # still remembered as its own: nobody else removes them, and if it comes back it goes on
            case "remove_members":
                _send(remote, name, {})
                del remote.owners[name]
            case "delete_destination":
                self.remotes.remove(remote)


def moves(old: Binding, new: Binding) -> bool:
    """Whether a binding fills another object from now on."""
    return old.connector != new.connector or (new.connector in EXTERNAL and old.title != new.title)


def _send(remote: Remote, name: str, now: Members) -> None:
    """Bring one owner's members to `now`; whom another owner added as well stays."""
    others = {key for owner, theirs in remote.owners.items() if owner != name for key in theirs}
    for key in remote.owners[name] - now.keys() - others:
        remote.members.pop(key, None)
    remote.members |= now
    remote.doubtful -= now.keys()
    remote.owners[name] = set(now)
