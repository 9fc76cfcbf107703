"""The schema of every resource file: sections of names, each connector with the settings that its type takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from audiform.address import Kind
from audiform.config.event_kinds import SOURCE_SETTINGS, EventConnector, EventSource, EventType
from audiform.config.kinds import Audience, Binding, Connector, Import, Moved, ProjectTest, Removed, Source
from audiform.config.models import Model
from audiform.config.secret_references import FORMS
from audiform.config.policies import NamedPolicy
from audiform.config.source_settings import SETTINGS
from audiform.connectors.catalog import ConnectorType
from audiform.schemas.templated import TEMPLATE, TEMPLATES, Schema, inside, templated, untitled

_MODELS: Final[Mapping[Kind, type[Model]]] = {
    Kind.SOURCE: Source,
    Kind.CONNECTOR: Connector,
    Kind.AUDIENCE: Audience,
    Kind.BINDING: Binding,
    Kind.POLICY: NamedPolicy,
    Kind.EVENT_SOURCE: EventSource,
    Kind.EVENT_TYPE: EventType,
    Kind.EVENT_CONNECTOR: EventConnector,
}
_EVOLVING: Final[Mapping[str, type[Model]]] = {"imports": Import, "moved": Moved, "removed": Removed}
_WHAT: Final[Mapping[Kind, str]] = {
    Kind.SOURCE: "Where profiles are read from",
    Kind.CONNECTOR: "Configured connector types: settings and credentials",
    Kind.AUDIENCE: "The profiles that meet a definition now",
    Kind.BINDING: "Which destination an audience fills, and how",
    Kind.POLICY: "What must hold before anything is sent",
    Kind.EVENT_SOURCE: "Where events come from",
    Kind.EVENT_TYPE: "What events of one name must look like",
    Kind.EVENT_CONNECTOR: "Where events are sent as they happen, and how",
}
_NAMES: Final[Schema] = {"pattern": "^[a-z][a-z0-9_-]{0,62}$"}
_SECRET_REFERENCE: Final[Schema] = {
    "description": "Where a secret is to be found; the secret itself never stands in a project",
    "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in FORMS.values()],
}
_REFERENCE: Final[Schema] = {"$ref": "#/$defs/SecretReference"}
_SECRETS: Final[tuple[tuple[type[Model], str], ...]] = (
    (Source, "credentials"),
    (Connector, "credentials"),
    (EventConnector, "credentials"),
    (EventSource, "credentials"),
    (EventSource, "write_keys"),
)
_FOR_EACH: Final[Schema] = {
    "description": "Repeats the resource as `name.key`, with `{{ each.key }}` and `{{ each.value }}`",
    "anyOf": [
        {"type": "object"},
        {"type": "array", "items": {"type": ["string", "integer"]}, "uniqueItems": True},
        {"$ref": f"#/$defs/{TEMPLATE}"},
    ],
}


def resources_schema(types: Iterable[ConnectorType]) -> Schema:
    """Return the schema that serves every resource file of a project with connectors of `types`."""
    definitions = _definitions()
    for kind, model in _MODELS.items():
        definition = definitions[model.__name__]
        definition["properties"]["for_each"] = _FOR_EACH
        definition["description"] = _WHAT[kind]
    kinds = [*types]
    for model, word in ((Connector, "server_to_server"), (EventConnector, "event")):
        fitting = [kind for kind in kinds if kind.manifest.kind == word]
        _discriminate(definitions, definitions[model.__name__], fitting)
    _source_settings(definitions)
    sections = {kind.section: _section(_WHAT[kind], model.__name__) for kind, model in _MODELS.items()}
    tests = {
        "type": "object",
        "description": "Cases of `audiform test`",
        "propertyNames": _NAMES,
        "additionalProperties": {"$ref": "#/$defs/ProjectTest"},
    }
    lists = {section: _entries(model) for section, model in _EVOLVING.items()}
    return {
        "title": "Audiform resources",
        "description": "A file of a project: sections that are merged over all files",
        "type": "object",
        "properties": {**sections, **lists, "tests": tests},
        "additionalProperties": False,
        "$defs": {**definitions, **_test_definitions()},
    }


def overrides_schema() -> tuple[Schema, Schema]:
    """Return the schema of an environment's `overrides`, and its definitions: some fields of some resources."""
    definitions = _definitions()
    for model in _MODELS.values():
        # An override says only what differs.
        definitions[model.__name__].pop("required", None)
    sections = {kind.section: _section(_WHAT[kind], model.__name__) for kind, model in _MODELS.items()}
    overrides: Schema = {
        "type": "object",
        "description": "Section -> name -> fields to merge into the resource",
        "properties": sections,
        "additionalProperties": False,
    }
    return overrides, definitions


def _definitions() -> Schema:
    """Return the models by name, a template allowed wherever a text could not be the value."""
    _, generated = models_json_schema([(model, "validation") for model in _MODELS.values()])
    definitions = {
        # A resource and a part of one is a map; a word, such as a signal's, may come from a template.
        name: inside(body) if body.get("type") == "object" else templated(body)
        for name, body in untitled(generated["$defs"]).items()
    }
    # Which settings there are depends on the type, and an override says only some of them.
    definitions["Source"]["properties"]["settings"] = {"type": "object"}
    for model, key in _SECRETS:
        definitions[model.__name__]["properties"][key] = {
            "type": "object",
            "description": "Name -> where the secret is to be found",
            "additionalProperties": _REFERENCE,
        }
    return {**definitions, "SecretReference": _SECRET_REFERENCE, TEMPLATE: TEMPLATES}


def _test_definitions() -> Schema:
    """Return the models of a test: no template is allowed in them."""
    _, generated = models_json_schema([(ProjectTest, "validation")])
    definitions: Schema = untitled(generated["$defs"])
    return definitions


def _entries(model: type[Model]) -> Schema:
    """Return the schema of a section that is a list of small maps; a text in them may be a template."""
    made: Schema = untitled(model.model_json_schema())
    return {"type": ["array", "null"], "description": made.pop("description"), "items": made}


def _section(description: str, model: str) -> Schema:
    return {
        # A section whose entries are all commented out is null.
        "type": ["object", "null"],
        "description": description,
        "propertyNames": _NAMES,
        "additionalProperties": {"$ref": f"#/$defs/{model}"},
    }


def _source_settings(definitions: Schema) -> None:
    """Make `type` decide which settings a source takes, of profiles and of events."""
    for owner, settings in (("Source", SETTINGS), ("EventSource", SOURCE_SETTINGS)):
        _, generated = models_json_schema([(model, "validation") for model in settings.values()])
        definitions.update({name: inside(body) for name, body in untitled(generated["$defs"]).items()})
        definitions[owner]["allOf"] = [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"properties": {"settings": {"$ref": f"#/$defs/{model.__name__}"}}},
            }
            for name, model in settings.items()
        ]


def _discriminate(definitions: Schema, connector: Schema, types: list[ConnectorType]) -> None:
    """Make `type` decide which settings and credentials a connector takes. A project may have types of its own."""
    known = [{"const": kind.name, "description": kind.manifest.title} for kind in types]
    connector["properties"]["type"] = {
        "description": "Connector type: one that is shipped, or a folder of the project's `connectors/`",
        "anyOf": [*known, {"type": "string"}],
    }
    connector["allOf"] = [_rule(kind.name, definitions, kind) for kind in types]


def _rule(name: str, definitions: Schema, kind: ConnectorType) -> Schema:
    settings, credentials = f"{name}.settings", f"{name}.credentials"
    definitions[settings] = inside(kind.manifest.settings)
    definitions[credentials] = _credentials(kind.manifest.credentials)
    required = [
        field
        for field, schema in (("settings", settings), ("credentials", credentials))
        if definitions[schema].get("required")
    ]
    then: Schema = {
        "properties": {
            "settings": {"$ref": f"#/$defs/{settings}"},
            "credentials": {"$ref": f"#/$defs/{credentials}"},
        }
    }
    if required:
        then["required"] = required
    return {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": then}


def _credentials(schema: Mapping[str, Any]) -> Schema:
    """Return the credentials of a type: each a reference to a secret, with what the manifest says of it."""
    return {
        **schema,
        "properties": {
            name: {**_REFERENCE, **({"description": body["description"]} if "description" in body else {})}
            for name, body in schema.get("properties", {}).items()
        },
    }
