"""Codes of sources and of the queries that read them."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "source-file-missing": Code(
        "No file to read from",
        "A table of a source names a file, or files by a pattern, and there is none. Paths are relative to the project's folder.",
        "Mend the path, or put the data there before the plan is made.",
        "tables: {orders: data/order.parquet}",
    ),
    "unknown-file-format": Code(
        "Unknown kind of file",
        "How a file is read follows from its ending: .parquet, .csv, .tsv, .json, .jsonl or .ndjson, packed as .gz or .zst or not.",
        "Rename the file, or convert it.",
        "tables: {orders: data/orders.xlsx}",
    ),
    "source-unreadable": Code(
        "Source cannot be read",
        "A file of the source is there, but it is not what its ending says, is damaged, or may not be read. What DuckDB says of "
        "values is not shown, because it quotes them.",
        "Look at the file with DuckDB, or write it anew.",
    ),
    "query-failed": Code(
        "Audience's query failed",
        "The source cannot answer the query: it names a table or a column that there is not, or a value is not what the query "
        "takes it for. Nothing was sent. What DuckDB says of values is not shown, because it quotes them.",
        "Run the query in DuckDB over the same files. `try_cast` gives null where a value cannot be converted.",
    ),
    "missing-column": Code(
        "Query lacks a column",
        "The audience names a column as profile key, identifier, variable or consent, and its query returns none of that name. "
        "Names are compared with upper and lower case as they are written.",
        "Add the column to the SELECT, or mend the name.",
        "identifiers: {email: e_mail}",
    ),
    "consent-not-boolean": Code(
        "Consent is not true or false",
        "The consent column holds something else than booleans. Which of its values mean a yes must not be guessed.",
        "Compare in the query: `opted_in = 'yes' AS opted_in`.",
    ),
    "flag-not-boolean": Code(
        "Flag is not true or false",
        "A column that says who is a member, or which profile is deleted, holds something else than booleans. Which of its values "
        "mean a yes must not be guessed.",
        "Compare in the query: `op = 'D' AS deleted`.",
    ),
    "watermark-missing": Code(
        "Needs a watermark",
        "`member`, `deleted` and `reconcile` say who leaves when a sync reads what changed, and how often it reads everything. The "
        "audience has no `watermark`, so that each sync reads everything.",
        "Name the column that grows when a row changes, or remove the field.",
        "watermark: changed_at\ndeleted: is_deleted",
    ),
    "watermark-names-people": Code(
        "Watermark is somebody's identifier",
        "The highest value of a watermark is kept in the state, which holds no person. A column that says who somebody is does not "
        "say when a row changed either.",
        "Name the column that the source writes with each change: a timestamp, a date, a number of a version.",
    ),
    "watermark-without-leavers": Code(
        "Nobody leaves between two full runs",
        "A warning: the audience is read by what changed, and no column says that a changed profile does not belong any more. Whoever "
        "leaves stays at the destination until everything is read.",
        "Name a boolean column as `member` or as `deleted`.",
        "member: is_member",
    ),
    "watermark-type": Code(
        "Watermark of a type that does not sort",
        "Rows that changed are found by comparing the watermark with the highest value that was read. That takes a timestamp, a "
        "date, an integer, or a text of letters, digits, spaces and `:._+/=,-` that sorts byte by byte. Nothing was sent.",
        "Convert the column in the query, such as `changed_at::timestamptz`, or name another one.",
    ),
    "watermark-overlap": Code(
        "Overlap does not fit the watermark",
        "`overlap` is subtracted from the highest value that was read: a duration from a timestamp or a date, a number from an "
        "integer. From a text nothing can be subtracted.",
        "Write it in the unit of the column, or leave it out.",
        "watermark: {column: changed_at, overlap: 30m}",
    ),
    "driver-missing": Code(
        "No driver for this source",
        "What a database or a table of this type is read with is a Python package that is not installed here.",
        "Install the extra that the message names. `audiform doctor` looks whether all are there.",
    ),
    "source-unreachable": Code(
        "Database cannot be reached",
        "There is no connection to the database of a source: it does not answer, does not accept user and password, or its "
        "certificate cannot be verified. Nothing was read and nothing sent.",
        "Check `settings` and `credentials` of the source, and the way from this machine to the database.",
    ),
    "source-freshness": Code(
        "Freshness is no timestamp",
        "`freshness` is a SELECT that says when the data of a database was last written, which the guard `max_source_age` asks.",
        "Let it return one row with one column that is a timestamp, or leave it out.",
        "freshness: SELECT max(loaded_at) FROM customers",
    ),
    "dbt-manifest": Code(
        "No dbt manifest",
        "An audience is a `dbt_model`, and where dbt built that stands in the `manifest.json` of the dbt project, which dbt writes to "
        "`target/` with each command. It is not named, or is no such file.",
        "Name it in the settings of the source, or in the query of the audience: a path below the project's folder.",
        "query: {dbt_model: lapsed_buyers, manifest: dbt/target/manifest.json}",
    ),
    "unknown-dbt-model": Code(
        "Unknown dbt model",
        "The manifest has no model, seed or snapshot of this name.",
        "Mend the name, or let dbt write the manifest anew (`dbt parse`) if the model is new.",
        "query: {dbt_model: lapsed_buyer}",
    ),
    "ambiguous-dbt-model": Code(
        "Ambiguous dbt model",
        "Several models of the manifest have this name, in different packages, schemas or folders.",
        "Write `package.name`, `schema.name` or the folders before it: `marts.lapsed_buyers`.",
        "query: {dbt_model: leads}",
    ),
    "dbt-model-not-built": Code(
        "Nothing to read of this dbt model",
        "dbt builds no table and no view of the model: it is ephemeral, disabled or a file.",
        "Materialise it as a table or a view in the dbt project, and run `dbt build`.",
    ),
    "dbt-model-elsewhere": Code(
        "The dbt model is not in this source",
        "dbt builds models in a database, and the source of the audience reads another kind of database, or files.",
        "Let the audience name the source that reads the database of the dbt project.",
    ),
}
