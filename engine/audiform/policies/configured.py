"""What the configuration alone decides: `allow`, `require`, `forbid` and `guards` of a policy, resource by resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.address import Kind
from audiform.audiences.selection import Selection, select
from audiform.config.event_kinds import EventConnector, EventSource, EventType
from audiform.config.kinds import Audience, Binding, Connector, Guards, Source
from audiform.config.policies import Allow, Forbid, NamedPolicy, Require
from audiform.config.project import Project
from audiform.config.secret_references import SecretReference
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.plan.records import effective_guards
from audiform.policies.floors import looser
from audiform.policies.scope import has_labels, matches

Resource = Source | Connector | Audience | Binding | EventSource | EventType | EventConnector
Path = tuple[str | int, ...]
_ALL = frozenset(Kind) - {Kind.POLICY}
_BINDINGS = frozenset({Kind.BINDING})
_CONNECTORS = frozenset({Kind.CONNECTOR, Kind.EVENT_CONNECTOR})
_WITH_CONSENT = frozenset({Kind.AUDIENCE, Kind.EVENT_CONNECTOR})
_WITH_SECRETS = _CONNECTORS | {Kind.EVENT_SOURCE}
Finding = tuple[str, Path]
"""What was found, as a sentence without its full stop, and where in the resource."""


@dataclass(slots=True)
class Subjects:
    """The resources that send, or help to: those that are switched on. Each connector's type is opened once."""

    project: Project
    catalog: Catalog
    _manifests: dict[str, Manifest] = field(default_factory=dict[str, Manifest])

    def tables(self) -> Iterator[tuple[Kind, Mapping[str, Resource]]]:
        """Yield the resources of each kind by name, also those that are switched off."""
        project = self.project
        yield Kind.SOURCE, project.sources
        yield Kind.CONNECTOR, project.connectors
        yield Kind.AUDIENCE, project.audiences
        yield Kind.BINDING, project.bindings
        yield Kind.EVENT_SOURCE, project.event_sources
        yield Kind.EVENT_TYPE, project.event_types
        yield Kind.EVENT_CONNECTOR, project.event_connectors

    def selection(self, name: str, binding: Binding) -> Selection:
        """Return what a binding sends, with the defaults of its connector's type filled in."""
        audience = self.project.audiences[binding.audience]
        return select(name, binding, audience, self.manifest(binding.connector))

    def manifest(self, name: str) -> Manifest:
        """Return the manifest of a connector's type, with the connector's settings in it."""
        if name not in self._manifests:
            connector = self.project.connectors[name]
            self._manifests[name] = self.catalog.get(connector.type).configured(connector.settings).manifest
        return self._manifests[name]


Check = Callable[[NamedPolicy, str, Any, Subjects], Iterator[Finding]]
"""Takes the policy, the resource's name, and the resource, which is of a kind that the check is for."""


def checks_of(policy: NamedPolicy, kind: Kind) -> tuple[Check, ...]:
    """Return what the policy asks of resources of a kind: chosen once, because there are thousands of them."""
    require, allow, forbid = policy.require, policy.allow, policy.forbid
    asked: tuple[tuple[bool, Check, frozenset[Kind]], ...] = (
        (bool(require and (require.owner or require.labels)), _noted, _ALL),
        (allow is not None, _allowed, _CONNECTORS),
        (bool(require and require.consent), _consent, _WITH_CONSENT),
        (bool(forbid and forbid.secret_sources), _secrets, _WITH_SECRETS),
        (bool(require and require.signals), _required, _BINDINGS),
        (bool(forbid and forbid.signals), _signals, _BINDINGS),
        (bool(forbid and forbid.identifiers), _identifiers, _BINDINGS),
        (policy.guards is not None, _guards, _BINDINGS),
    )
    return tuple(check for is_asked, check, kinds in asked if is_asked and kind in kinds)


def of_all(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return those that hold for resources that are switched off, too: a plan resolves their secrets all the same."""
    return tuple(check for check in checks if check is _secrets)


def _noted(policy: NamedPolicy, _: str, resource: Any, __: Subjects) -> Iterator[Finding]:
    require = policy.require or Require()
    if require.owner and resource.owner is None:
        yield "nobody is named as `owner`", ()
    for key, patterns in require.labels.items():
        if key not in resource.labels:
            yield f"the label `{key}` is missing", ()
        elif not has_labels(resource.labels, {key: patterns}):
            yield f"the label `{key}` is none of {_listed(patterns)}", ("labels", key)


def _consent(_: NamedPolicy, __: str, resource: Any, ___: Subjects) -> Iterator[Finding]:
    if resource.consent is None:
        everybody = (
            "everybody whom its query returns is sent"
            if isinstance(resource, Audience)
            else "every event that it selects is sent"
        )
        yield f"it has no `consent`, so that {everybody}", ()


def _allowed(policy: NamedPolicy, _: str, connector: Any, __: Subjects) -> Iterator[Finding]:
    allow = policy.allow or Allow()
    types = allow.connector_types
    if types is not None and not matches(connector.type, types):
        yield f"the connector type `{connector.type}` is none of {_listed(types)}", ("type",)
    for setting, allowed in allow.settings.items():
        # Its value is not said: a setting may be a secret. The line of the file stands beside this where it is shown.
        if setting in connector.settings and not matches(connector.settings[setting], allowed):
            yield f"the setting `{setting}` is none of {_listed(allowed)}", ("settings", setting)


def _secrets(policy: NamedPolicy, _: str, resource: Any, __: Subjects) -> Iterator[Finding]:
    sources = (policy.forbid or Forbid()).secret_sources
    fields: dict[str, Mapping[str, SecretReference]] = {"credentials": resource.credentials}
    if isinstance(resource, EventSource):
        fields["write_keys"] = resource.write_keys
    for field_name, references in fields.items():
        for name, reference in references.items():
            form = _form(reference)
            if form in sources:
                yield f"the secret `{name}` comes from `{form}`", (field_name, name)


def _form(reference: SecretReference) -> str:
    """Return which form a secret reference has: `from_env`, ..."""
    return next(iter(type(reference).model_fields))


def _required(policy: NamedPolicy, _: str, binding: Any, subjects: Subjects) -> Iterator[Finding]:
    if binding.signals is None:
        return
    for signal in (policy.require or Require()).signals:
        if signal not in binding.signals:
            able = subjects.manifest(binding.connector).signals.get(signal.value)
            if isinstance(able, SignalOperation):
                text = f"the binding does not send the signal `{signal}`, and its connector type can"
                yield text, ("signals",)


def _signals(policy: NamedPolicy, name: str, binding: Any, subjects: Subjects) -> Iterator[Finding]:
    sent = subjects.selection(name, binding).signals
    for signal in (policy.forbid or Forbid()).signals:
        if signal in sent:
            yield f"the binding sends the signal `{signal}`", ("signals",)


def _identifiers(policy: NamedPolicy, name: str, binding: Any, subjects: Subjects) -> Iterator[Finding]:
    sent = subjects.selection(name, binding).identifiers
    for identifier in (policy.forbid or Forbid()).identifiers:
        if identifier in sent:
            yield f"the binding sends the identifier `{identifier}`", ("identifiers",)


def _guards(policy: NamedPolicy, _: str, binding: Any, subjects: Subjects) -> Iterator[Finding]:
    for guard, text in looser(effective_guards(subjects.project, binding), policy.guards or Guards()):
        yield f"the guard {text}", ("guards", guard)


def _listed(patterns: Sequence[object]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)
