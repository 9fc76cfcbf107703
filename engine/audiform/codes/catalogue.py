"""Codes of connector types: what a project asks of them, and what is wrong with their manifests."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "unknown-connector-type": Code(
        "Unknown connector type",
        "Neither the catalogue nor the project's `connectors/` folder has a type of this name.",
        "Mend the name; `audiform connectors list --available` shows all of them.",
    ),
    "connector-type-exists": Code(
        "Connector type with the name of a shipped one",
        "The project's own connector type has the name of one that ships with Audiform. Which of the two is meant would depend "
        "on who reads the YAML.",
        "Rename the folder and the connectors that use it.",
    ),
    "custom-connector-forbidden": Code(
        "Custom connector type not allowed",
        "The connector's type is one of the project's own, and the project's `policy.custom_connectors` is `forbidden`: what a "
        "custom type sends, and where to, is not reviewed by the catalogue.",
        "Use a shipped type, or let an owner of the project change the policy.",
    ),
    "custom-connector-unsigned": Code(
        "Custom connector type without a signature",
        "Only custom types that are signed are used: `policy.custom_connectors` is `signed`, which is the default in protected "
        "environments. A type says what is sent, and where to; so nobody but its owners can change that in a pull request.",
        "Let an owner sign it, and add their public key to `policy.trusted_keys`.",
        "audiform connectors keygen ~/audiform.key\naudiform connectors sign our_crm --key ~/audiform.key",
    ),
    "custom-connector-untrusted": Code(
        "Custom connector type signed by an unknown key",
        "The type has a signature, of a key that the project does not trust.",
        "Let an owner of the project add the key to `policy.trusted_keys`, if it is theirs.",
        "policy:\n  trusted_keys: ['ed25519:...']",
    ),
    "custom-connector-changed": Code(
        "Custom connector type is not what was signed",
        "A file of the type was changed, added or taken away after it was signed, or the signature is another's. Not even a comment "
        "can be changed unseen.",
        "Look at the change, and let an owner sign the type again.",
    ),
    "invalid-key": Code(
        "Not a key",
        "A text that should be an Ed25519 key as `audiform connectors keygen` makes it is something else.",
        "Name the file that `audiform connectors keygen` has written.",
    ),
    "type-not-pinned": Code(
        "Connector type not pinned",
        "The project has an `audiform.lock`, and it does not name this connector type: another version of it would come unseen.",
        "Run `audiform connectors lock` and commit the file.",
    ),
    "type-changed": Code(
        "Connector type is not the pinned one",
        "With an upgrade of Audiform, or a change of a custom type, something else is sent than what `audiform.lock` pins. Nothing is "
        "planned with it before somebody takes it.",
        "Run `audiform connectors lock`; then `audiform plan` says what the new version changes, by category.",
    ),
    "invalid-lock": Code(
        "audiform.lock not valid",
        "The file that pins connector types is not what `audiform connectors lock` writes.",
        "Take the committed one, or write it anew.",
    ),
    "invalid-manifest": Code(
        "Manifest not valid",
        "A connector type's `manifest.yaml` breaks the manifest language, so the type cannot be used.",
        "Mend what the message names.",
    ),
    "invalid-cases": Code(
        "Cases not valid",
        "A file in a connector type's `cases/` folder is no file of cases, so the type cannot be held to it.",
        "Mend what the message names; `audiform connectors new TYPE` makes cases that are right.",
    ),
    "wrong-vector": Code(
        "Published example does not hold",
        "The platform publishes what a value looks like after normalising and hashing, and this type gives something else: its "
        "people would not be matched.",
        "Mend the identifier in the manifest, or the vector.",
    ),
    "invalid-setting": Code(
        "Setting that is no part of a manifest",
        "The connector type takes a part of its manifest (authentication, a signal) from this setting, and the setting is not one.",
        "Mend it as the type's README shows.",
    ),
    "missing-credential": Code(
        "Missing credential",
        "The connector type needs a credential that the connector does not name, so no request could be signed.",
        "Add it to `credentials` as a reference.",
        "credentials: {access_token: {from_env: ADS_TOKEN}}",
    ),
    "unsupported-signal": Code(
        "Signal that the type cannot send",
        "The binding asks for a signal that the platform has no way to take.",
        "Leave it out, or use what the message offers instead.",
        "signals: [add, remove, modify]",
    ),
    "unsupported-deletion": Code(
        "Deletion that the type cannot do",
        "`on_delete` asks for something that the platform has no way to do, which would show only when the binding is deleted.",
        "Use another `on_delete`: `keep` and `freeze` always work.",
    ),
    "unsupported-adoption": Code(
        "Existing object that cannot be taken over",
        "`destination: {adopt: ...}` fills an object that exists already. The platform must be able to look it up, and nothing else "
        "can be said of it: it is not ours, so its name and other attributes stay as they are.",
        "Leave the other attributes out; or leave `adopt` out, and Audiform makes an object of its own.",
        "destination: {adopt: Newsletter readers}",
    ),
    "destination-not-found": Code(
        "No such object at the platform",
        "The binding names an existing object, and the platform has none of this name or id that the credentials can see. Nothing is "
        "created instead, because a second list would fill in silence.",
        "Mend the name; `audiform destinations CONNECTOR` lists what there is.",
    ),
    "destinations-not-listed": Code(
        "What exists cannot be listed",
        "The platform has no way to list its objects, or did not answer as it should.",
        "Do what the message says; where nothing can be listed, the platform's own pages show names and ids.",
    ),
    "ambiguous-destination": Code(
        "Several objects of one name",
        "The platform has more than one object of this name, and nobody can tell which one is meant.",
        "Write its id instead of its name: the message lists them.",
    ),
    "remote-validation-failed": Code(
        "The platform would not take it",
        "With `plan --remote-validate` the platform was asked whether it takes a small batch of the binding. It would not; nothing "
        "was done there.",
        "Mend what its message names.",
    ),
    "unsupported-variables": Code(
        "Variables that the type cannot send",
        "The binding names variables, and the connector type sends none, or not these, or not so many.",
        "Leave them out, or use a type that sends variables.",
    ),
    "unsupported-identifier": Code(
        "Identifier that the type does not take",
        "The binding names an identifier that the connector type does not know.",
        "Leave it out; `audiform connectors show TYPE` lists those that it takes.",
    ),
    "too-many-identifiers": Code(
        "More kinds of identifier than a request takes",
        "The platform takes a list of one kind at a time, and the binding would send several.",
        "Name one kind in the binding's `identifiers`, and make another binding for each other kind.",
    ),
    "no-usable-identifier": Code(
        "No identifier to send",
        "Nothing that the audience knows people by is an identifier that the connector type can find them with, so nobody would ever "
        "be sent.",
        "Add one of the identifiers that the message names to the audience.",
    ),
    "host-not-allowed": Code(
        "Host not allowed",
        "A setting names a URL whose host is not in the project's `policy.allowed_hosts`. A changed URL would send people to "
        "somebody else.",
        "Let an owner of the project add the host to `policy.allowed_hosts`.",
        "policy:\n  allowed_hosts: [hooks.example.com]",
    ),
    "insecure-url": Code(
        "URL without encryption",
        "People and secrets would be sent in clear. Only this machine itself (`localhost`) may be reached by `http://`.",
        "Use `https://`.",
    ),
}
