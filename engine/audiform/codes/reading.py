"""Codes of reading the project's files."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "no-project": Code(
        "No project here",
        "The folder holds no `audiform.yaml`, so there is nothing to work with.",
        "Change to the project's folder, name it with `-C DIR`, or make a project with `audiform init`.",
    ),
    "yaml-syntax": Code(
        "Not valid YAML",
        "The file could not be read as YAML 1.2, so nothing in it is known. Tabs are not allowed for indentation, "
        "and a text that holds `: ` or starts with one of `{ [ & * ! | > % @` must be quoted.",
        "Mend the line that is shown, or the one before it.",
        'description: Win-back: lapsed buyers    # write "Win-back: lapsed buyers"',
    ),
    "duplicate-key": Code(
        "Key given twice",
        "A map holds the same key twice. YAML readers silently keep one of the two; which one differs.",
        "Remove or rename one of them.",
        "settings:\n  tables: {}\n  tables: {orders: data/orders.csv}",
    ),
    "key-not-text": Code(
        "Key is not text",
        "A key of a map is a number, a boolean, null, a list or a map. Names are always text here.",
        "Put the key in quotes.",
        'values:\n  2024: yes    # write "2024"',
    ),
    "alias-bomb": Code(
        "Aliases expand too far",
        "Anchors and aliases (`&name`, `*name`) would make the document many times larger than it is written, or make it "
        "contain itself. A file like that can exhaust the memory of whoever validates it.",
        "Use fewer aliases; `for_each` repeats a resource without them.",
    ),
    "too-deep": Code(
        "Nested too deeply",
        "The document nests lists and maps more than 64 levels deep. No project needs that, and it can exhaust the stack.",
        "Flatten the structure.",
    ),
    "file-too-large": Code(
        "File too large",
        "A YAML or SQL file of the project is larger than 8 MiB. Configuration is read as a whole, data is not part of it.",
        "Split the file; keep rows in Parquet, CSV or JSON files that a source names.",
    ),
    "not-utf8": Code(
        "Not UTF-8 text",
        "The file is not encoded in UTF-8, so its characters cannot be known.",
        "Save the file as UTF-8.",
    ),
    "not-a-map": Code(
        "Not a map",
        "A file holds sections, a section holds names, and a name holds a body: each of these is a map of keys and values.",
        "Write `key: value` lines.",
        "sources:\n  - shop    # write `shop: {type: duckdb, ...}`",
    ),
    "unsupported-tag": Code(
        "YAML tag not supported",
        "A value has a tag such as `!include` or `!!binary`. Tags make programs out of data; only those of plain values "
        "(`!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map`, `!!seq`) are read.",
        "Remove the tag. SQL is kept in a file of its own with `query: {file: NAME.sql}`.",
        "query: !include lapsed.sql",
    ),
    "several-documents": Code(
        "More than one document in a file",
        "The file holds a second YAML document after `---`. Only one is read, so that nothing is lost in silence.",
        "Move the second document to a file of its own, or remove the `---`.",
    ),
    "unreadable-file": Code(
        "File cannot be read",
        "The file is there, but the operating system does not let this user read it.",
        "Give the user the right to read it.",
    ),
    "missing-file": Code(
        "File does not exist",
        "The configuration names a file that is not there. Paths are relative to the file that names them.",
        "Mend the path, or add the file.",
        "query: {file: lapsed.sql}",
    ),
    "path-outside-project": Code(
        "Path leaves the project",
        "A path or a symbolic link leads out of the project's folder. What is reviewed in the project must be all that "
        "decides what is sent, and a pull request must not be able to read other files of the machine that checks it.",
        "Move the file into the project.",
        "query: {file: ../../etc/passwd}",
    ),
    "unknown-section": Code(
        "Unknown section",
        "A file's top-level keys are the sections `sources`, `connectors`, `audiences`, `bindings` and `tests`.",
        "Mend the name of the section. Settings of the project itself stand in `audiform.yaml`.",
        "audience:    # write `audiences:`\n  lapsed: {}",
    ),
    "duplicate-name": Code(
        "Name given twice",
        "Two resources of one kind have the same name, in one file or in two. Sections are merged over all files, so one of "
        "them would be lost.",
        "Rename or remove one of the two places that are shown.",
    ),
    "invalid-name": Code(
        "Not a valid name",
        "A name is part of an address such as `binding.lapsed_on_ads`: it starts with a small letter, goes on with "
        "small letters, digits, `_` and `-`, and has at most 63 characters.",
        "Rename it.",
        'audiences:\n  "Lapsed buyers": {}    # write lapsed_buyers',
    ),
}
