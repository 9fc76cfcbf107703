"""The manifest language: a connector type as data.

A manifest runs both ways: the client renders requests from it and reads answers with it, the sandbox
matches requests against it and renders answers from it. So every template in it is *invertible*: text
with `{{ dotted.reference }}` in it and nothing else (no filters, no logic). See `template.py`.

References: `settings.*`, `destination.*` (attributes and `destination.id`), `project`, `environment`,
`binding` (its name), `marker`, `identifiers` (list of the `field`s in use), `rows` (the list of all rows of the batch) or, where
a request carries one row, `row` (that row itself), `operation.id` (stable over retries), `job.*`, `page.*`,
`members.count` (how many members `read` says that there are, with `read_back: count`),
`members.revision` (what `read` says is the state of the members; a signal whose request names it reads it before
each batch, sends one batch after the other, and reads again where a rule says `then: read_again`),
`upload.id` (where a signal has an `upload`), `file.*` (in the texts of a multipart request),
`lookup.keys` (in a lookup's request), `lookup.key`, `lookup.id`, `member.<identifier>` (in the items of `members`), `result.received`, `result.invalid`,
`error.index`, `error.identifier`, `error.message`, `error.code`, `error.count` (how many records an entry
stands for); in a row: `row.<identifier>` (as sent), `row.variables` (an object), `row.variables.<name>`,
`lookup.id`, and what is the same in every row (`destination.*`, `settings.*`); in `auth` only: `credentials.*`. `rows` and `row` stand alone in a string.
Of an event type a row is one event: `row.<field>`, and below a field that is an object `row.<field>.<key>`.

A reference that is missing or null takes its key or list entry with it, and an object or list that
becomes empty by that goes too; in a path or URL it is an error. A string that is one reference keeps the
value's type; in longer text a list or object is written as JSON. A key may hold references too. Special nodes:
`{each_identifier: TEMPLATE, missing: ""}` repeats TEMPLATE (with `identifier.field`, `identifier.value`) for
each identifier in use, in the order of the manifest: by itself it is that list, as an entry of a list its
entries are spliced in; without `missing` the identifiers that the row lacks are left out. Where
`limits.identifier_kinds` is 1, `identifier.field` in a request and `identifier.value` in its rows are the one in use.
`{when: [row.a, row.b], then: TEMPLATE}` is left out unless all of them are there.
`"...": "{{ row.variables }}"` puts the variables among the keys of the object in which it stands; of an event, any object.
`{integer: TEXT}` is the number that the text stands for, for ids that a platform wants as numbers.
`{as_text: TEMPLATE}` and `{as_base64: TEMPLATE}` are the JSON of TEMPLATE as a text, for messages inside of JSON.
`{digest_of: [TEMPLATE, ...]}` is 32 hexadecimal digits, the same for the same values: what names a message.

A part that says `from_setting: NAME` is taken from the connector's settings. Because `{{ }}` in a project
is rendered when the project is loaded, the references in such a setting are written `${row.email}`.

`auth` is one of these (`auth/`); texts may refer to `settings.*` and `credentials.*`, and the values shown
are the defaults. Every scheme but `none` takes `headers: {NAME: TEXT}` for what goes along with it.
    {scheme: none}
    {scheme: bearer, token: "{{ credentials.access_token }}"}
    {scheme: api_key, name: X-Api-Key, in: header, prefix: "", value: "{{ credentials.api_key }}"}   in: header | query
    {scheme: basic, username: "{{ credentials.username }}", password: "{{ credentials.password }}", optional: false}
    {scheme: oauth1a, consumer_key: "{{ credentials.consumer_key }}", consumer_secret: "{{ credentials.consumer_secret }}",
     access_token: "{{ credentials.access_token }}", access_token_secret: "{{ credentials.access_token_secret }}"}
    {scheme: oauth2_refresh, token_url: URL, refresh_token: "{{ credentials.refresh_token }}",
     client_id: "{{ credentials.client_id }}", client_secret: "{{ credentials.client_secret }}",
     client_in: body, scopes: [], parameters: {}}                                                     client_in: body | basic | json
    {scheme: oauth2_client_credentials, ...the same without refresh_token}
    {scheme: service_account, token_url: URL, key: "{{ credentials.service_account_key }}", scopes: [], parameters: {}}
    {scheme: aws_sigv4, service: NAME, region: "{{ settings.region }}", access_key_id: "{{ credentials.access_key_id }}",
     secret_access_key: "{{ credentials.secret_access_key }}", session_token: "{{ credentials.session_token }}"}
    {scheme: sas_token, resource: URL, key_name: "{{ settings.key_name }}", key: "{{ credentials.shared_access_key }}"}
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from audiform.connectors.events.fields import Deduplicated, EventField, Fields, OneOf
from audiform.connectors.limits import Counting, Limits
from audiform.connectors.model import Model
from audiform.outcome import Category, OutcomeKind, Then

Template = Any
"""JSON-shaped data with `{{ reference }}` strings."""

MergedPart = Literal["limits", "headers", "errors", "outcomes", "hash"]
StatusClass = Annotated[str, Field(pattern="^[1-5]xx$")]


class RowsFile(Model):
    """The file of a multipart request: one row a line. Rows of `csv` are lists, of which each entry is a cell."""

    part: str = Field(default="file", pattern=r"^[A-Za-z0-9_-]+$")
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", examples=["rows.csv"])
    format: Literal["csv", "jsonl"]
    gzip: bool = False


class Multipart(Model):
    """Texts and one file of the batch's rows. The texts may name `file.md5`, `file.sha256` and `file.size`."""

    texts: Mapping[str, Template] = Field(default_factory=dict)
    file: RowsFile


class RequestTemplate(Model):
    """One request. `path` is relative to `base_url`; at most one of `body` (JSON), `form` and `multipart`.

    `rows_joined_by`: rows are texts, and `{{ rows }}` is one text of all of them with this in between.
    """

    method: str = Field(pattern=r"^[A-Z]+$", examples=["POST"])
    path: str
    query: Mapping[str, Template] = Field(default_factory=dict)
    headers: Mapping[str, str] = Field(default_factory=dict)
    body: Template | None = None
    form: Mapping[str, Template] | None = None
    multipart: Multipart | None = None
    rows_joined_by: str | None = Field(default=None, min_length=1, max_length=1)


class ResponseTemplate(Model):
    """The answer of a success. The client reads the references out of it, the sandbox fills them in.

    `status` is 200, [200, 202] or "2xx"; an error that it names (404) is a success here, before any rule. A `body` with references must arrive as described; an answer
    without `destination.id`, `job.id` or `job.status` where the template names it is a failure.
    `items`: reference -> template of one entry of the list that stands for it (`destinations`, `errors`,
    `lookups`). `headers`: name -> template, for what stands there only. `keyed` are those that the platform
    writes as an object: their entries are `{key, value}`. `missing`: what a success says where the object does
    not exist (path -> value, as in `outcomes`).
    """

    status: int | tuple[int, ...] | Literal["2xx"] = 200
    headers: Mapping[str, Template] = Field(default_factory=dict)
    body: Template | None = None
    items: Mapping[str, Template] = Field(default_factory=dict)
    keyed: tuple[str, ...] = ()
    missing: Mapping[str, Any] = Field(default_factory=dict[str, Any])


class Pagination(Model):
    """How a listing goes on.

    `cursor`: `page.next` of the answer goes into `page.cursor` of the request; `url`: `page.next` is the
    next URL (same host only); `offset`: `page.cursor` is how many entries were read, until they are
    `page.total`; `none`: one page.
    """

    style: Literal["cursor", "url", "offset", "none"] = "none"


class Operation(Model):
    """One action on the destination object."""

    request: RequestTemplate
    response: ResponseTemplate = ResponseTemplate()
    pagination: Pagination = Pagination()


class Job(Model):
    """An asynchronous job: poll until `job.status` is one of `statuses` that is not `pending`.

    `errors`: the listing that is asked for when the job has ended and its answer counts rejected records.
    `resume`: what makes the platform go on with a job that was interrupted, when a rule says `then: resume`.
    """

    request: RequestTemplate
    response: ResponseTemplate
    statuses: Mapping[str, OutcomeKind]
    errors: Operation | None = None
    resume: Operation | None = None
    interval_seconds: float = 5.0
    timeout_seconds: float = 600.0


class Lookup(Model):
    """Remote ids looked up by an identifier before a request.

    The request has `lookup.keys` (values of `identifier`), or, for a platform that makes the people it does not
    know, `rows` written by `row`; `lookups` of the answer are `lookup.key` and `lookup.id`. A record that is
    not found needs no signal (`accepted`), or cannot be sent (`rejected`).
    """

    request: RequestTemplate
    response: ResponseTemplate
    identifier: str
    rows_per_request: int = 100
    row: Template | None = None
    missing: Literal["accepted", "rejected"] = "accepted"
    nobody: int | None = Field(None, description="Status of the answer when the platform knows none of them")


class Upload(Model):
    """Brings the rows of a batch to the platform; its answer says `upload.id`, by which the signal's request names them."""

    request: RequestTemplate
    response: ResponseTemplate


class SignalOperation(Model):
    """The request of one batch of rows, after their `upload` where there is one. Limits here override the type's."""

    request: RequestTemplate
    row: Template
    response: ResponseTemplate = ResponseTemplate()
    job: Job | None = None
    lookup: Lookup | None = None
    upload: Upload | None = None
    rows_per_request: int | None = Field(default=None, ge=1)
    bytes_per_request: int | None = Field(default=None, ge=1)
    dry_run: Mapping[str, Template] | None = Field(
        None, description="Body keys to merge so that the platform only validates"
    )


class FromSetting(Model):
    """Takes the operation (or the auth) from a setting of the connector: what a generic type does."""

    from_setting: str = Field(min_length=1)


class Destination(Model):
    """The remote object. `attributes` is the JSON Schema of a binding's `destination`.

    `marker` names the attribute that carries the ownership marker (as a suffix), or is null: the object
    is then found by its exact `name`. `external`: the object is not created by us: its id is the
    attribute named here. `members` lists who is in it: its items are `members`, with `member.<identifier>`.
    """

    attributes: Mapping[str, Any]
    marker: str | None = None
    external: str | None = None
    create: Operation | None = None
    read: Operation | None = None
    update: Operation | None = None
    delete: Operation | None = None
    find: Operation | None = None
    members: Operation | None = Field(
        None, description="Lists the members by the identifier that names them; with `read_back: members`"
    )
    read_only: tuple[str, ...] = Field(
        (), description="Attributes that cannot change after creation (change = replace)"
    )
    settle_seconds: float = Field(
        default=0, ge=0, description="How long a new object must be left alone before members are sent to it"
    )


class Identifier(Model):
    """How one identifier is normalised, checked and hashed: always in that order.

    `normalize` and `valid` name primitives of `normalizers.py`, with optional arguments (`keep:...`).
    `optional`: an invalid value is dropped and the record goes without it; when no identifier that can
    identify is left, the profile is left out and counted.
    """

    field: str
    normalize: tuple[str, ...]
    valid: str | None = None
    hash: Literal["none", "sha256", "md5", "sha1"] = "none"
    encoding: Literal["hex", "base64"] = "hex"
    identifies: bool = Field(
        default=True, description="False: only helps to match (a name, a country), never alone"
    )
    description: str | None = None


class Variables(Model):
    """Profile data sent along with a membership."""

    allowed: Literal["none", "fixed", "free"] = "none"
    names: Mapping[str, str] = Field(default_factory=dict, description="fixed: name -> description")
    max: int | None = None


class RefusedRecords(Model):
    """Which records made the platform refuse a whole batch; the client sends the others again without them.

    `path` leads to the list of errors, `index` in each of them to the record's 0-based index, or to a text
    that one of `pointers` describes: `/data/{{ error.index }}/{{ error.field }}`. An error that none
    describes is not about a record; an answer with no other errors is a failure of the request.
    """

    path: str
    index: str
    pointers: tuple[str, ...] = ()
    message: str | None = Field(default=None, description="In an entry: path of its message")


class OutcomeRule(Model):
    """Status and body conditions -> outcome; the first match wins, the standard rules follow.

    `status` is 400, [400, 422] or "5xx"; `body` maps a dotted path (list entries by number, `*` for any)
    to a value, a list of values or {exists: true}.
    """

    status: int | StatusClass | tuple[int, ...] | None = None
    body: Mapping[str, Any] = Field(default_factory=dict)
    outcome: OutcomeKind
    category: Category | None = None
    remedy: str | None = Field(default=None, description="What the user can do about it, one sentence")
    then: Then | None = Field(
        default=None,
        description="With outcome `retry`, what comes first: `read_again`, the revision of the members, which the "
        "batch then names as a new change; `resume`, of the job. Where an operation has neither it is sent as it was",
    )
    records: RefusedRecords | None = Field(
        default=None,
        description="With outcome `rejected`: which records. Without it the batch goes again in halves until they stand alone",
    )


class Errors(Model):
    """Where messages are, and which of the four shapes of partial failure an answer has."""

    message: tuple[str, ...] = Field(
        default=(), description="Dotted paths of the platform's message, first that exists"
    )
    code: tuple[str, ...] = Field(
        default=(), description="Dotted paths of the platform's own error code, first that exists"
    )
    record_path: str | tuple[str, ...] | None = Field(
        default=None,
        description="Path of the list of per-record errors in an accepted answer, or paths of several; where its "
        "entries do not say which record they mean, they are counted",
    )
    record_index: str | None = Field(default=None, description="In an entry: path of the row's 0-based index")
    record_identifier: str | None = Field(
        default=None, description="In an entry: path of the identifier's value as sent"
    )
    record_message: str | None = Field(default=None, description="In an entry: path of its message")
    record_accepted: Mapping[str, Any] | None = Field(
        default=None,
        description="Where the list has an entry for every record, in order: what that of an accepted one says, "
        "as in `outcomes`",
    )
    record_retry: Mapping[str, Any] | None = Field(
        default=None,
        description="What the entry of a record says, as in `outcomes`, that the platform takes when it is sent "
        "again later: the client does so with those records only",
    )

    @property
    def record_paths(self) -> tuple[str, ...]:
        """The paths of lists of per-record errors; none where an accepted answer has no such list."""
        paths = self.record_path
        return (paths,) if isinstance(paths, str) else paths or ()


class Manifest(Model):
    """A connector type."""

    manifest: Literal[1]
    title: str
    kind: Literal["server_to_server", "event"]
    category: str
    api_version: str
    checked: date = Field(description="The day on which it was compared with the documentation")
    documentation: str
    settings: Mapping[str, Any] = Field(description="JSON Schema of a connector's `settings`")
    credentials: Mapping[str, Any] = Field(
        description="JSON Schema of `credentials`; each is a secret reference"
    )
    base_url: str
    auth: FromSetting | Mapping[str, Any] = Field(
        default_factory=lambda: {"scheme": "none"}, union_mode="left_to_right"
    )
    headers: Mapping[str, str] = Field(default_factory=dict)
    limits: Limits = Limits()
    identity: Literal["each"] | str = Field(
        "each",
        description="`each`: every identifying value is a key of the person by itself (match-key platforms); "
        "otherwise the one identifier that names a member; or `from_setting:NAME`",
    )
    identifiers: Mapping[str, Identifier] = Field(default_factory=dict[str, Identifier])
    variables: Variables = Variables()
    destination: Destination = Field(default_factory=lambda: Destination.model_validate({"attributes": {}}))
    signals: Mapping[Literal["add", "remove", "modify"], SignalOperation | FromSetting]
    erase: SignalOperation | None = Field(
        None,
        description="Deletes the platform's profile of each row's person, whatever it is in: what `audiform forget` sends "
        "instead of `remove`, for a platform that has such a request",
    )
    fields: Fields = Field(default_factory=dict[str, EventField])
    free_fields: bool = Field(default=False, description="Whether fields of any other name may be filled too")
    one_of: OneOf = ()
    deduplication: Deduplicated = None
    outcomes: tuple[OutcomeRule, ...] = ()
    errors: Errors = Errors()
    read_back: Literal["count", "members", "none"] = "none"
    counting: Counting = Field(
        default=Counting(), description="How far `members.count` may be from the truth"
    )
    check: Operation | None = Field(
        None, description="A harmless request that shows whether the credentials work"
    )
    from_settings: Mapping[MergedPart, str] = Field(
        default_factory=dict[MergedPart, str],
        description="Part -> setting whose value is merged into it: what a generic type does. "
        "`hash`: identifier -> hash; `outcomes` go before the manifest's own",
    )
    notes: tuple[str, ...] = Field(default=(), description="What cannot be done there, for the documentation")
