"""Codes of what resources say."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "unknown-field": Code(
        "Unknown field",
        "The key is not known at this place. It is refused and not ignored, because a misspelled guard would not guard.",
        "Mend or remove it.",
        "bindings:\n  lapsed:\n    conector: ads_eu    # write connector",
    ),
    "missing-field": Code(
        "Missing field",
        "A field that has no default is not given.",
        "Add it.",
    ),
    "wrong-type": Code(
        "Wrong type",
        "The value is of another type than the field: a list where a text belongs, a text where a number belongs. Nothing is "
        "converted by guessing.",
        "Write a value of the type that the message names; numbers and `true`/`false` stand without quotes.",
        'guards: {min_members: "100"}    # write 100',
    ),
    "invalid-value": Code(
        "Value not allowed",
        "The value has the right type, but is not one of those that the field takes.",
        "Use one of the values, or the form, that the message names.",
        "on_delete: drop    # write keep, freeze, remove_members or delete_destination",
    ),
    "secret-in-clear": Code(
        "Secret written in the project",
        "A credential is given as its value. The project is kept in git and read by many; whoever reads it holds the secret. "
        "The line is shown with the value masked.",
        "Take the secret out, replace it at the platform because it must count as known, and write where it is to be found: "
        "`{from_env: NAME}`, `{from_file: PATH}` or `{from_command: [...]}`.",
        "credentials: {access_token: {from_env: ADS_TOKEN}}",
    ),
    "unknown-reference": Code(
        "Refers to something that does not exist",
        "A resource names another one that no file of the project declares.",
        "Mend the name, or declare the resource. A resource with `for_each` is named with its key: `lapsed.de`.",
        "bindings:\n  lapsed: {audience: lapsed_buyer}",
    ),
    "sql-syntax": Code(
        "Not valid SQL",
        "DuckDB, which runs the query, cannot parse it.",
        "Mend the query where the message points. Values of templates stand in it as they are: quote texts with `'`.",
        "query: SELECT customer_id FORM customers",
    ),
    "sql-not-select": Code(
        "Not one SELECT",
        "An audience is what exactly one SELECT returns. Anything else could change data, and a second statement would be lost.",
        "Write one SELECT; `WITH` in front of it is fine.",
        "query: DELETE FROM customers",
    ),
    "sql-unsafe": Code(
        "Query reaches outside of its source",
        "The query reads a file, the network, the environment or settings by itself. Sources say what is read, so that a review of "
        "`sources` shows all data that can leave; a query must not go around them.",
        "Name the file as a table of a source, and select from that table.",
        "query: SELECT * FROM read_csv('/home/me/people.csv')",
    ),
    "unknown-identifier": Code(
        "Identifier that the audience does not have",
        "The binding sends an identifier that its audience does not declare.",
        "Add it to the audience's `identifiers`, or remove it from the binding.",
    ),
    "unknown-variable": Code(
        "Variable that the audience does not have",
        "The binding sends a variable that its audience does not declare.",
        "Add it to the audience's `variables`, or remove it from the binding.",
    ),
    "conflicting-destination": Code(
        "Two bindings write one destination differently",
        "Two bindings fill the same destination of one connector and give it different attributes. Each apply would overwrite "
        "what the other wrote, and no plan would ever be empty.",
        "Give both the same attributes, or the destinations different names.",
    ),
    "weak-guard": Code(
        "Guard that guards nothing",
        "In a protected environment a guard is set so that it can never stop anything, such as `max_removed: 100%` or "
        "`allow_empty: true`.",
        "Set a limit that a normal day stays below.",
    ),
}
