"""What the configuration alone decides: `allow`, `require`, `forbid` and `guards` of a policy, resource by resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from audiform.address import Address, Kind
from audiform.audiences.selection import Selection, select
from audiform.config.event_kinds import EventConnector, EventSource, EventType
from audiform.config.kinds import Audience, Binding, Connector, Source
from audiform.config.policies import NamedPolicy
from audiform.config.project import Project
from audiform.config.secret_references import SecretReference
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.plan.records import effective_guards
from audiform.policies.floors import looser
from audiform.policies.scope import has_labels, matches

Resource = Source | Connector | Audience | Binding | EventSource | EventType | EventConnector
Path = tuple[str | int, ...]
Finding = tuple[str, Path]
"""What was found, as a sentence without its full stop, and where in the resource."""


@dataclass(slots=True)
class Subjects:
    """The resources that send, or help to: those that are switched on. Each connector's type is opened once."""

    project: Project
    catalog: Catalog
    _manifests: dict[str, Manifest] = field(default_factory=dict[str, Manifest])

    def __iter__(self) -> Iterator[tuple[Address, Resource]]:
        """Yield each resource with its address."""
        project = self.project
        tables: Sequence[tuple[Kind, Mapping[str, Resource]]] = (
            (Kind.SOURCE, project.sources),
            (Kind.CONNECTOR, project.connectors),
            (Kind.AUDIENCE, project.audiences),
            (Kind.BINDING, project.bindings),
            (Kind.EVENT_SOURCE, project.event_sources),
            (Kind.EVENT_TYPE, project.event_types),
            (Kind.EVENT_CONNECTOR, project.event_connectors),
        )
        for kind, table in tables:
            for name, resource in table.items():
                if resource.enabled:
                    yield Address(kind, name), resource

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


def findings(
    policy: NamedPolicy, address: Address, resource: Resource, subjects: Subjects
) -> Iterator[Finding]:
    """Yield what of a resource is not as the policy says."""
    yield from _noted(policy, resource)
    if isinstance(resource, Connector | EventConnector):
        yield from _of_connector(policy, resource)
    if isinstance(resource, Audience | EventConnector):
        yield from _consent(policy, resource)
    if isinstance(resource, Connector | EventConnector | EventSource):
        yield from _secrets(policy, resource)
    if isinstance(resource, Binding):
        for check in _OF_BINDINGS:
            yield from check(policy, address.name, resource, subjects)


def _noted(policy: NamedPolicy, resource: Resource) -> Iterator[Finding]:
    if policy.require is None:
        return
    if policy.require.owner and resource.owner is None:
        yield "nobody is named as `owner`", ()
    for key, patterns in policy.require.labels.items():
        if key not in resource.labels:
            yield f"the label `{key}` is missing", ()
        elif not has_labels(resource.labels, {key: patterns}):
            yield f"the label `{key}` is none of {_listed(patterns)}", ("labels", key)


def _consent(policy: NamedPolicy, resource: Audience | EventConnector) -> Iterator[Finding]:
    if policy.require and policy.require.consent and resource.consent is None:
        everybody = (
            "everybody whom its query returns is sent"
            if isinstance(resource, Audience)
            else "every event that it selects is sent"
        )
        yield f"it has no `consent`, so that {everybody}", ()


def _of_connector(policy: NamedPolicy, connector: Connector | EventConnector) -> Iterator[Finding]:
    allow = policy.allow
    types = allow.connector_types if allow else None
    if types is not None and not matches(connector.type, types):
        yield f"the connector type `{connector.type}` is none of {_listed(types)}", ("type",)
    for setting, allowed in allow.settings.items() if allow else ():
        # Its value is not said: a setting may be a secret. The line of the file stands beside this where it is shown.
        if setting in connector.settings and not matches(connector.settings[setting], allowed):
            yield f"the setting `{setting}` is none of {_listed(allowed)}", ("settings", setting)


def _secrets(policy: NamedPolicy, resource: Connector | EventConnector | EventSource) -> Iterator[Finding]:
    fields: dict[str, Mapping[str, SecretReference]] = {"credentials": resource.credentials}
    if isinstance(resource, EventSource):
        fields["write_keys"] = resource.write_keys
    for field_name, references in fields.items():
        for name, reference in references.items():
            form = _form(reference)
            if policy.forbid and form in policy.forbid.secret_sources:
                yield f"the secret `{name}` comes from `{form}`", (field_name, name)


def _form(reference: SecretReference) -> str:
    """Return which form a secret reference has: `from_env`, ..."""
    return next(iter(type(reference).model_fields))


def _signals(policy: NamedPolicy, name: str, binding: Binding, subjects: Subjects) -> Iterator[Finding]:
    forbidden = policy.forbid.signals if policy.forbid else ()
    required = policy.require.signals if policy.require else ()
    if forbidden:
        sent = subjects.selection(name, binding).signals
        for signal in forbidden:
            if signal in sent:
                yield f"the binding sends the signal `{signal}`", ("signals",)
    for signal in required:
        if binding.signals is not None and signal not in binding.signals:
            able = subjects.manifest(binding.connector).signals.get(signal.value)
            if isinstance(able, SignalOperation):
                yield (
                    f"the binding does not send the signal `{signal}`, and its connector type can",
                    ("signals",),
                )


def _identifiers(policy: NamedPolicy, name: str, binding: Binding, subjects: Subjects) -> Iterator[Finding]:
    if policy.forbid and policy.forbid.identifiers:
        sent = subjects.selection(name, binding).identifiers
        for identifier in policy.forbid.identifiers:
            if identifier in sent:
                yield f"the binding sends the identifier `{identifier}`", ("identifiers",)


def _guards(policy: NamedPolicy, _: str, binding: Binding, subjects: Subjects) -> Iterator[Finding]:
    if policy.guards is not None:
        for guard, text in looser(effective_guards(subjects.project, binding), policy.guards):
            yield f"the guard {text}", ("guards", guard)


_OF_BINDINGS: tuple[Callable[[NamedPolicy, str, Binding, Subjects], Iterator[Finding]], ...] = (
    _signals,
    _identifiers,
    _guards,
)


def _listed(patterns: Sequence[object]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)
