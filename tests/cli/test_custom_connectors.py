"""A project's own connector types as their owners see them: begun, tested, signed, pinned."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from audiform.cli.main import run

TYPE = Path("connectors") / "our_crm"


@pytest.fixture
def example(tmp_path: Path, checkout: Path) -> Path:
    """Return a copy of the example with a type of its own, signed and pinned."""
    return Path(shutil.copytree(checkout / "examples" / "custom_connector", tmp_path / "shop"))


@pytest.fixture
def said(capsys):
    """Return a function that runs a command and returns its exit code, what it printed and what it said."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


def change(file: Path, before: str, after: str) -> None:
    """Replace a text that is there."""
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_the_example_is_a_folder_and_nothing_else(example, said):
    """A type that only this project has is validated, in a protected environment, because its signature holds."""
    assert 0 == said("-C", example, "validate")[0]
    assert "our_crm: signed, unchanged\n" == said("-C", example, "connectors", "verify")[1]


def test_the_example_conforms(example, said, snapshot):
    """Its cases, its vectors and what every type must stand: all of it, offline, as a table."""
    assert snapshot == said("-C", example, "connectors", "test", "our_crm")


def test_what_does_not_conform_is_said(example, said):
    """A failed case says what was sent instead; the exit code is for CI, and JSON says the same."""
    change(example / TYPE / "manifest.yaml", "hash: sha256", "hash: md5")
    change(
        example / TYPE / "vectors.yaml",
        "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b",
        "null",
    )
    code, text, _ = said("-C", example, "connectors", "test", "our_crm", "--json")
    results = {item["name"]: item["problems"] for item in json.loads(text)["results"]}

    assert 1 == code
    assert not json.loads(text)["passed"]
    assert results["list: A list is made"] == []
    assert "request 1: the body is" in results["people: Somebody is removed"][0]


def test_a_file_that_is_no_cases(example, said):
    """It is told where it stands, and not as a bug of Audiform."""
    (example / TYPE / "cases" / "people.yaml").write_text("cases: nothing\n")

    code, _, problem = said("-C", example, "connectors", "test", "our_crm")
    assert (1, True) == (code, "error[invalid-cases]" in problem)


@pytest.mark.parametrize(
    "file",
    ["manifest.yaml", "README.md", "vectors.yaml", "cases/list.yaml"],
    ids=lambda name: Path(name).name,
)
def test_a_changed_byte_is_refused(file, example, said):
    """Whatever was changed after signing is named, and the project is not worked with."""
    with (example / TYPE / file).open("ab") as stream:
        stream.write(b"\n")

    for command in (("validate",), ("plan",)):
        code, out, problem = said("-C", example, *command)
        assert 1 == code
        assert "error[custom-connector-changed]" in out + problem
        assert f"`{file}` was changed" in out + problem


def test_files_that_came_or_went_are_refused(example, said):
    """A signature is over the whole folder."""
    (example / TYPE / "more.yaml").write_text("a: 1\n")
    (example / TYPE / "vectors.yaml").unlink()

    text = said("-C", example, "connectors", "verify")[1]
    assert "`more.yaml` was added, `vectors.yaml` was taken away" in text


def test_the_name_of_a_type_is_signed_as_well(example, said):
    """A signed folder under another name is another type."""
    (example / TYPE).rename(example / "connectors" / "their_crm")

    assert "was not made with its key, or for another type" in said("-C", example, "connectors", "verify")[1]


def test_a_signature_that_is_taken_away(example, said):
    """Without one the type is refused where only signed ones are used, and used where all are."""
    (example / TYPE / "signature.yaml").unlink()
    assert "error[custom-connector-unsigned]" in said("-C", example, "validate")[1]
    change(example / "audiform.yaml", "  custom_connectors: signed\n", "")
    assert "error[custom-connector-unsigned]" in said("-C", example, "validate")[1]
    change(example / "environments" / "production.yaml", "true", "false")

    assert 0 == said("-C", example, "validate")[0]


def test_somebody_elses_key(example, said, tmp_path):
    """Who signs with a key of their own is not trusted until the project says so."""
    key = tmp_path / "my.key"
    code, public, _ = said("-C", example, "connectors", "keygen", key)
    assert (0, 0o600) == (code, stat.S_IMODE(key.stat().st_mode))
    assert 0 == said("-C", example, "connectors", "sign", "our_crm", "--key", key)[0]
    assert "error[custom-connector-untrusted]" in said("-C", example, "validate")[1]
    old = (example / "audiform.yaml").read_text(encoding="utf-8").split('["')[1].split('"]')[0]
    change(example / "audiform.yaml", old, public.strip())

    assert 0 == said("-C", example, "validate")[0]
    assert key.read_text().strip() not in "".join(file.read_text() for file in example.rglob("*.yaml"))


def test_a_key_is_never_overwritten(tmp_path, said):
    """Neither by `keygen`, nor is anything that is no key signed with."""
    file = tmp_path / "key"
    file.write_text("keep me")

    assert 1 == said("connectors", "keygen", file)[0]
    assert "keep me" == file.read_text()


def test_no_key(example, said):
    """What is no key is said to be none, without its text."""
    code, _, problem = said(
        "-C", example, "connectors", "sign", "our_crm", "--key", example / "bindings.yaml"
    )

    assert (1, True) == (code, "error[invalid-key]" in problem)
    assert "lapsed_in_crm" not in problem


def test_a_shipped_type_is_not_signed(example, said, tmp_path):
    """It is held by the release that it is in."""
    said("connectors", "keygen", tmp_path / "key")

    assert 1 == said("-C", example, "connectors", "sign", "http_audience", "--key", tmp_path / "key")[0]


def test_a_new_type_works_from_its_first_minute(tmp_path, said):
    """What `new` makes conforms, is listed as custom, and overwrites nothing."""
    assert 0 == said("-C", tmp_path, "connectors", "new", "our_loyalty")[0]
    assert 0 == said("-C", tmp_path, "connectors", "test", "our_loyalty")[0]
    assert "our_loyalty *" in said("-C", tmp_path, "connectors", "list", "--available")[1]
    assert not (tmp_path / "connectors" / "our_loyalty" / "signature.yaml").exists()
    assert "yaml-language-server" in (tmp_path / "connectors" / "our_loyalty" / "manifest.yaml").read_text()
    assert "error[file-exists]" in said("-C", tmp_path, "connectors", "new", "our_loyalty")[2]
    assert "error[file-exists]" in said("-C", tmp_path, "connectors", "new", "klaviyo_lists")[2]
    assert "error[invalid-name]" in said("-C", tmp_path, "connectors", "new", "../x")[2]


def test_an_upgrade_is_somebodys_decision(example, said):
    """A type that sends something else than the pinned one stops everything until it is pinned anew."""
    change(example / "environments" / "production.yaml", "true", "false")
    change(example / "audiform.yaml", "custom_connectors: signed", "custom_connectors: allowed")
    manifest = example / TYPE / "manifest.yaml"
    change(manifest, "Name of the list}", "What the list is called}")
    assert 0 == said("-C", example, "validate")[0]
    change(manifest, "customer_id: ", "customer: ")
    code, out, _ = said("-C", example, "validate")
    assert 1 == code
    assert "error[type-changed]" in out
    assert "its signals changed (API version v1)" in out
    assert "changed  our_crm" in said("-C", example, "connectors", "lock")[2]

    assert 0 == said("-C", example, "validate")[0]


def test_a_type_that_is_not_pinned(example, said):
    """It is warned of; a project without the file is left alone; a file that is none is refused."""
    lock = example / "audiform.lock"
    lock.write_text("lock: 1\ntypes: {}\n")
    code, out, _ = said("-C", example, "validate")
    assert (0, True) == (code, "warning[type-not-pinned]" in out)
    lock.write_text("types: 1\n")
    assert "error[invalid-lock]" in said("-C", example, "validate")[1]
    lock.unlink()

    assert 0 == said("-C", example, "validate")[0]


def _normalise_more(manifest: dict[str, Any]) -> None:
    for identifier in manifest["identifiers"].values():
        if identifier.get("normalize") == ["trim", "lower"]:
            identifier["normalize"].append("nfc")


def _send_less_at_once(manifest: dict[str, Any]) -> None:
    manifest["limits"]["concurrency"] -= 1


@pytest.mark.parametrize("edit", [_normalise_more, _send_less_at_once], ids=["identifiers", "access"])
def test_a_plan_says_what_another_version_changes(edit, shell, snapshot):
    """Each part of a manifest that changed has its category and its reason; an apply takes it, and nothing is left."""
    shell.people(1, 2, 3)
    shell.bind("buyers_on_ads")
    first = shell("apply", "--auto-approve")
    assert 0 == first.code, first
    file = shell.root / "connectors" / "hurried_meta_custom_audiences" / "manifest.yaml"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    edit(manifest)
    file.write_text(json.dumps(manifest), encoding="utf-8")

    assert snapshot == re.sub(r"\b[0-9a-f]{8} -> [0-9a-f]{8}\b", "<before> -> <after>", shell("plan").out)
    assert 0 == shell("apply", "--auto-approve").code
    assert 0 == shell("plan", "--detailed-exitcode").code


def test_a_type_of_events_is_begun_with_one_that_works(tmp_path, said, checkout):
    """What `new --events` makes conforms, and so does the example that it is made of, with a test of its project."""
    (tmp_path / "audiform.yaml").write_text("project: shop\n")

    assert 0 == said("-C", tmp_path, "connectors", "new", "--events", "our_orders")[0]
    assert 0 == said("-C", tmp_path, "connectors", "test", "our_orders")[0]
    assert "our_events" not in "".join(file.read_text() for file in tmp_path.rglob("*.*") if file.is_file())
    example = checkout / "examples" / "custom_events"
    assert (0, 0) == (said("-C", example, "validate")[0], said("-C", example, "test")[0])
