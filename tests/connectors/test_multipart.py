"""Files of rows and the bodies that carry them: what is written is read back, whatever is in it."""

from __future__ import annotations

import gzip
import json
from hashlib import md5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest, Multipart, RequestTemplate, RowsFile, SignalOperation
from audiform.connectors.multipart import facts_of, file_of, read, rows_of, write
from audiform.connectors.request import build
from audiform.connectors.scopes import check_signal

KIND = Catalog().get("tiktok_file_audiences")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
CELLS = st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=5)


def rows(values: list[object]) -> bytes:
    """Return rows as they come out of the database."""
    return b",".join(json.dumps(value).encode() for value in values)


def template(form: str, *, packed: bool = False) -> RowsFile:
    """Return how a file is written."""
    return RowsFile.model_validate({"name": "rows.csv", "format": form, "gzip": packed})


@settings(deadline=None)
@given(CELLS, st.sampled_from(["csv", "jsonl"]), st.booleans())
def test_what_is_written_is_read(values, form, packed):
    """Cells with commas, quotes and line breaks come back as they were, from both formats and packed."""
    one = template(form, packed=packed)
    assert values == rows_of(one, file_of(one, rows(values)))


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), TEXT, max_size=3), CELLS, st.booleans())
def test_a_body_says_what_was_put_into_it(texts, values, packed):
    """Texts and file are read from the body as they went in, whatever stands in them."""
    one = template("jsonl", packed=packed)
    content = file_of(one, rows(values))
    body, kind = write([*texts.items()], one, content)
    form = read(kind, body)
    assert form is not None
    assert (texts, {"file": content}) == (form.texts, form.files)


def test_a_file_has_one_row_a_line():
    """CSV has cells, JSON lines have rows as they are."""
    assert b'a,"b,""c"\nd\n' == file_of(template("csv"), rows([["a", 'b,"c'], ["d"]]))
    assert b'{"a":1}\n{"a":2}\n' == file_of(template("jsonl"), rows([{"a": 1}, {"a": 2}]))


def test_the_same_rows_make_the_same_file():
    """A packed file says nothing of when it was made, so that its checksum is that of the rows."""
    one = template("csv", packed=True)
    first = file_of(one, rows([["a"]]))
    assert (first, b"a\n") == (file_of(one, rows([["a"]])), gzip.decompress(first))
    assert 0 == int.from_bytes(first[4:8], "little")


def test_the_texts_may_say_the_checksum():
    """`file.md5`, `file.sha256` and `file.size` are those of the file as it is sent."""
    one = template("csv", packed=True)
    sizes = {"sum": "{{ file.md5 }}", "long": "{{ file.sha256 }}", "size": "{{ file.size }}"}
    request = RequestTemplate(method="POST", path="/x", multipart=Multipart(texts=sizes, file=one))
    made = build(KIND, request, {}, rows([["a"]]))
    form = read(dict(made.headers)["content-type"], made.body or b"")
    assert form is not None
    facts = facts_of(form.files["file"])
    assert {"sum": facts["md5"], "long": facts["sha256"], "size": str(facts["size"])} == form.texts
    assert md5(form.files["file"], usedforsecurity=False).hexdigest() == facts["md5"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", b"{}"), ("multipart/form-data", b"x"), ("multipart/form-data; boundary=a", b"")],
)
def test_what_is_no_form_is_none(kind, body):
    """A body of another kind, or without parts, says nothing."""
    form = read(kind, body)
    assert form is None or not (form.texts or form.files)


def test_a_file_that_cannot_be_read_is_told():
    """Neither what is not packed nor what is no JSON is taken for rows."""
    with pytest.raises(ValueError, match="gzip"):
        rows_of(template("csv", packed=True), b"a\n")
    with pytest.raises(ValueError, match="Expecting"):
        rows_of(template("jsonl"), b"{\n")


def problems(**changed: object) -> list[str]:
    """Return what is wrong with the signal when parts of it are changed."""
    signal = KIND.manifest.signals["add"]
    assert isinstance(signal, SignalOperation)
    data = {**signal.model_dump(), **changed}
    manifest = Manifest.model_validate(KIND.manifest.model_dump())
    return [item.text for item in check_signal(("add",), SignalOperation.model_validate(data), manifest)]


def test_a_request_has_one_kind_of_body():
    """Multipart stands alone, and its facts are known in its texts only."""
    file = {"name": "a.csv", "format": "csv"}
    two = {"method": "POST", "path": "/x", "body": {"a": 1}, "multipart": {"file": file}}
    assert ["a request has a `body` (JSON), a `form` or a `multipart` body, and no two of them"] == problems(
        request=two
    )
    assert ["`file.md5` is not known here"] == problems(
        request={"method": "POST", "path": "/x", "body": {"a": "{{ file.md5 }}"}}
    )


def test_an_upload_is_known_where_there_is_one():
    """`upload.id` is a word of signals with an upload, whose rows are in the file and nowhere else."""
    assert ["`upload.id` is not known here"] == problems(upload=None)
    assert ["`rows` is not known here"] == problems(
        request={"method": "POST", "path": "/x", "body": {"a": "{{ rows }}"}}
    )
