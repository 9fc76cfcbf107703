"""No byte of a person and none of a secret, in any place where something is said or kept.

A person and secrets that can be searched for go through every command, over platforms that quote them back: in
messages of rejected records, in refusals that repeat the token, in conversion errors of the source. Then every
output and every file is searched, also for the forms that bytes take on: hex, base64, UTF-16, percent-encoding.
The ledger alone may hold a person, as sent where that is a hash, and else encrypted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from audiform.cli.failures import Exit, exit_code_of
from audiform.cli.main import run
from audiform.sandbox.serve import serve
from whole.shop import hurried_type, services

EMAIL = "Zebrafink.Quokka@example.com"
PHONE = "+14155550199"
FIRST, LAST, NICKNAME = "Zebrafinka", "Quokkaville", "Wombatino"
SECRETS = {"CANARY_TOKEN": "sk-canary-7f3c9a1e5b2d4860", "CANARY_ID": "canary-client-51d7e0aa93"}
PEOPLE = {
    "e-mail address": "Zebrafink.Quokka",
    "phone number": "4155550199",
    "first name": FIRST,
    "last name": LAST,
    "variable": NICKNAME,
}
HASHES = {
    "hashed e-mail address": hashlib.sha256(EMAIL.lower().encode()).hexdigest(),
    "hashed phone number": hashlib.sha256(PHONE.encode()).hexdigest(),
    "hashed phone digits": hashlib.sha256(PHONE[1:].encode()).hexdigest(),
}
BINDINGS = {"ads": "meta_custom_audiences", "match": "google_data_manager", "mail": "klaviyo_lists"}
COMMANDS = {
    name: {
        "request": {
            "method": "POST",
            "path": f"/lists/${{destination.id}}/{name}",
            "body": {"members": "${rows}"},
        },
        "row": {
            "email": "${row.email}",
            "phone": "${row.phone}",
            "first": "${row.first_name}",
            "last": "${row.last_name}",
            "traits": "${row.variables}",
        },
        "rows_per_request": 10,
    }
    for name in ("add", "remove", "modify")
}


# --- Looking for traces


def forms(text: str) -> Iterator[bytes]:
    """Yield the forms that a text may be hidden in; those without letter case in lower case."""
    for plain in {text, text.lower(), text.upper()}:
        raw = plain.encode()
        yield raw
        yield quote(plain, safe="").encode()
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        yield plain.encode("utf-16-le")
        yield plain.encode("utf-16-be")
        for shift in range(3):
            # What stands before decides how the bits fall; the characters at the ends depend on the neighbours.
            encoded = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
            yield encoded[(shift * 8 + 5) // 6 : -1]
    if len(text) == 64:  # a hash in hex
        yield bytes.fromhex(text)
        yield base64.b64encode(bytes.fromhex(text)).rstrip(b"=")


def traces(data: bytes, needles: Mapping[str, str]) -> list[str]:
    """Return which of the needles are in `data`, in whatever form."""
    return [what for what, text in needles.items() if any(form in data for form in forms(text))]


@dataclass
class Searched:
    """A project's folder and all that its commands said; knows where the canary may not be."""

    root: Path
    capture: pytest.CaptureFixture[str]
    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def audiform(self, *arguments: str, expected: tuple[int, ...] = (0,)) -> str:
        """Run a command in the project; return its stdout. Everything that it said is searched."""
        code = run(["-C", str(self.root / "shop"), "--verbose", *arguments])
        captured = self.capture.readouterr()
        call = f"audiform {' '.join(arguments)}"
        self.search(f"{call}: stdout", captured.out.encode())
        self.search(f"{call}: stderr", captured.err.encode())
        assert code in expected, f"{call} ends with {code}\n{captured.out}\n{captured.err}"
        return captured.out

    def search(self, place: str, data: bytes, *, may_be_hashed: bool = False) -> None:
        """Note what of the canary is there."""
        needles = {**PEOPLE, **SECRETS, **({} if may_be_hashed else HASHES)}
        self.problems += [f"{place}: {what}" for what in traces(data, needles)]

    def search_files(self) -> None:
        """Search every file that the commands have left anywhere, and what the ledgers hold when they are read."""
        source = self.root / "shop" / "people.csv"
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and path != source:
                in_ledger = "ledger" in str(path.relative_to(self.root))
                self.search(str(path.relative_to(self.root)), path.read_bytes(), may_be_hashed=in_ledger)
                if path.suffix in {".duckdb", ".parquet"}:
                    self.search(f"{path.name}, read", _dumped(path), may_be_hashed=in_ledger)


def _dumped(path: Path) -> bytes:
    """Return all rows of a file as text: in the file itself they may be compressed."""
    import duckdb

    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            return repr(connection.execute("FROM read_parquet(?)", [str(path)]).fetchall()).encode()
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        return repr(
            [connection.execute(f'FROM "{schema}"."{table}"').fetchall() for schema, table in tables]
        ).encode()


# --- A platform that quotes back whatever it knows

GOSSIP = (
    f"'{FIRST}' \"{LAST}\" <{EMAIL}>, phone {PHONE} or (415) 555-0199, nickname `{NICKNAME}`, was refused; hash "
    f"{HASHES['hashed e-mail address']}; Authorization: Bearer {SECRETS['CANARY_TOKEN']}; key={SECRETS['CANARY_ID']}"
)


class Gossip(BaseHTTPRequestHandler):
    """Answers everything with the status that its server says, and tells all that it heard."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Take the request and answer it, in the shape of every platform at once."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status: int = self.server.status  # type: ignore[attr-defined]
        record = {"index": 0, "email": EMAIL, "why": GOSSIP}
        told: dict[str, Any] = {
            "message": GOSSIP,
            "failed": [record],
            "error": {"message": GOSSIP, "error_user_msg": GOSSIP, "code": 190 if status >= 400 else 0},
            "errors": [{"detail": GOSSIP, "title": GOSSIP, "code": "x", "source": {"pointer": GOSSIP}}],
            "error_description": GOSSIP,
            "id": "1",
        }
        body = json.dumps(told).encode()
        self.send_response(status, "Refused")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server looks for these names

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def gossiping(status: int) -> Iterator[str]:
    """Serve; yield the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gossip)
    server.daemon_threads = True
    server.status = status  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- The project


def write_project(shop: Path, url: str | None, *, query: str = "FROM people") -> None:
    """Write a project that sends the canary to a platform of each type. `url` is where the platforms are."""
    connectors: dict[str, Any] = {
        "ads": {"settings": {"ad_account_id": "1"}, "credentials": ["access_token"]},
        "match": {
            "settings": {"operating_account_id": "1", "customer_match_terms": "ACCEPTED"},
            "credentials": ["client_id", "client_secret", "refresh_token"],
        },
        "mail": {"settings": {}, "credentials": ["private_key"]},
        "crm": {
            "settings": {
                "base_url": "https://crm.example.com",
                "identity": "email",
                "auth": {"scheme": "bearer"},
                "errors": {
                    "message": ["message"],
                    "record_path": "failed",
                    "record_index": "index",
                    "record_message": "why",
                },
                **COMMANDS,
            },
            "credentials": ["access_token"],
        },
    }
    for name, body in connectors.items():
        body["type"] = hurried_type(shop, BINDINGS.get(name, "http_audience"))
        body["credentials"] = {
            each: {"from_env": "CANARY_ID" if each == "client_id" else "CANARY_TOKEN"}
            for each in body["credentials"]
        }
        if url:
            body["endpoint"] = f"{url}/{name}"
    audience = {
        "source": "shop",
        "query": f"SELECT number, email, phone, first, last, nickname, consent {query}",
        "profile_key": "number",
        "identifiers": {"email": "email", "phone": "phone", "first_name": "first", "last_name": "last"},
        "variables": {"nickname": "nickname"},
        "consent": "consent",
    }
    bindings = {
        f"all_on_{name}": {
            "audience": "everybody",
            "connector": name,
            "destination": {"external_id": "7"} if name == "crm" else {"name": "Everybody"},
            "on_delete": "remove_members",
            "guards": {"allow_empty": True},
        }
        for name in connectors
    }
    tables = {"people": "people.csv"}
    files = {
        "audiform.yaml": {"project": "shop", "policy": {"allowed_hosts": ["crm.example.com"]}},
        "sources.yaml": {"sources": {"shop": {"type": "duckdb", "settings": {"tables": tables}}}},
        "connectors.yaml": {"connectors": connectors},
        "audiences.yaml": {"audiences": {"everybody": audience}},
        "bindings.yaml": {"bindings": bindings},
    }
    for name, content in files.items():
        (shop / name).write_text(json.dumps(content), encoding="utf-8")


def write_people(shop: Path, *, nickname: str = NICKNAME, present: bool = True) -> None:
    """Write the canary among others."""
    rows = ["number,email,phone,first,last,nickname,consent", "2,dee@example.com,,Dee,,,true"]
    rows += [f"1,{EMAIL},{PHONE},{FIRST},{LAST},{nickname},true"] if present else []
    (shop / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture
def searched(tmp_path, capfd, monkeypatch) -> Searched:
    """Return an empty project's folder, with every place where a command may leave something below it."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for name in ("cache", "temporary", "shop"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    write_people(tmp_path / "shop")
    write_project(tmp_path / "shop", None)
    return Searched(tmp_path, capfd)


def test_no_byte_of_a_person_or_a_secret(searched):
    """Through every command, every kind of fault and every format: no output and no file has a trace of the canary."""
    shop = searched.root / "shop"
    with serve(services(shop)) as sandbox:
        write_project(shop, sandbox.url)
        _everything_goes_well(searched)
        sandbox.faults.add("partial_failure", rows=2, type="crm", operation="add")
        sandbox.faults.add("partial_failure", rows=2, type="mail", operation="add")
        write_people(shop, nickname=NICKNAME.lower())
        searched.audiform("sync", expected=(0, 1))
        write_people(shop, present=False)
        searched.audiform("sync", "--json", expected=(0, 1))
        write_people(shop)
        for status in (401, 400, 500, 200):
            _platforms_gossip(searched, status)
        write_project(shop, sandbox.url)
        searched.audiform("apply", "--auto-approve", expected=(0, 1))
        searched.audiform("sync", "--retry-rejected", expected=(0, 1))
        _the_source_gossips(searched, sandbox.url)
        _everything_is_shown(searched)
    searched.search_files()

    assert [] == searched.problems


def _everything_goes_well(searched: Searched) -> None:
    for form in ("text", "json", "sarif", "github"):
        searched.audiform("validate", "--format", form)
    searched.audiform("plan")
    searched.audiform("plan", "--json")
    plan = str(searched.root / "plan.json")
    searched.audiform("plan", "--out", plan)
    searched.audiform("show", plan)
    searched.audiform("apply", plan)
    searched.audiform("sync")
    searched.audiform("connectors", "check")


def _platforms_gossip(searched: Searched, status: int) -> None:
    """Send, look up and check over a platform that repeats what it knows; all of it fails, or half of it."""
    with gossiping(status) as url:
        write_project(searched.root / "shop", url)
        either = (0, 1, 3)
        searched.audiform("plan", expected=either)
        searched.audiform("apply", "--auto-approve", "--json", expected=either)
        write_people(searched.root / "shop", nickname=f"{NICKNAME} {status}")
        searched.audiform("sync", expected=either)
        searched.audiform("connectors", "check", expected=either)


def _the_source_gossips(searched: Searched, url: str) -> None:
    """Read a source whose errors quote the row that they stumble over."""
    for query in (
        "FROM (SELECT * REPLACE (email::INTEGER AS email) FROM people)",
        "FROM people WHERE strptime(first, '%Y') IS NOT NULL",
        "FROM people WHERE error(email) AND error(last)",
    ):
        write_project(searched.root / "shop", url, query=query)
        searched.audiform("plan", expected=(0, 1))
        searched.audiform("apply", "--auto-approve", expected=(0, 1, 3))
    write_project(searched.root / "shop", url)


def _everything_is_shown(searched: Searched) -> None:
    searched.audiform("stats")
    searched.audiform("stats", "--json")
    searched.audiform("dead-letters", "list")
    searched.audiform("dead-letters", "list", "--json")
    searched.audiform("state", "list", "--json")
    searched.audiform("state", "list")
    for address in ("binding.all_on_crm", "connector.crm", "audience.everybody", "source.shop"):
        searched.audiform("state", "show", address)
        searched.audiform("state", "show", address, "--json")
    searched.audiform("connectors", "list")
    searched.audiform("connectors", "list", "--json")
    searched.audiform("graph")


def test_a_bug_report_holds_no_value(searched):
    """What should never happen is reported by its place in the code: neither its message nor a variable's value."""
    try:
        raise KeyError(GOSSIP)
    except KeyError as problem:
        code = exit_code_of(problem)
    captured = searched.capture.readouterr()
    searched.search("stderr", captured.err.encode())
    searched.search("stdout", captured.out.encode())
    searched.search_files()

    assert Exit.BUG == code
    assert 1 == len(list((searched.root / "temporary").iterdir()))
    assert [] == searched.problems


@pytest.mark.parametrize(
    "hidden",
    [
        b"to Zebrafink.Quokka@example.com",
        b"ZEBRAFINK.QUOKKA",
        b"%2B14155550199",
        "zebrafink.quokka".encode("utf-16-le"),
        b"zebrafink.quokka".hex().encode(),
        base64.b64encode(b"to: zebrafink.quokka@example.com"),
        base64.b64encode(b"a zebrafink.quokka@example.com"),
        base64.b64encode(b"as zebrafink.quokka@example.com"),
        bytes.fromhex(HASHES["hashed phone number"]),
        b"Wombatino",
    ],
    ids=range(10),
)
def test_a_trace_is_found_in_whatever_form(hidden):
    """The search is not blind: it finds each form of the canary inside other bytes."""
    assert [] != traces(b"\x00before" + hidden + b"after\xff", {**PEOPLE, **HASHES})
