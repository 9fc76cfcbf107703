"""Events on their way: taken in, refused, filtered, tried again, dead-lettered, replayed.

Run by `make demo-events`. Works in a copy of this folder, against a sandbox that stands in for both destinations:
nothing leaves this machine. Each command is printed before it runs, so that it can be repeated by hand.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
AUDIFORM = (sys.executable, "-m", "audiform")
KEY = "any-key-will-do"
REFUSED = 3
ENVIRONMENT = {**os.environ, "SHOP_WRITE_KEY": KEY}
AGREED = {"consent": {"categoryPreferences": {"Advertising": True}}, "country": "de"}


def main() -> None:
    """Tell the story, one command after the other."""
    with tempfile.TemporaryDirectory(prefix="audiform-demo-") as folder:
        project = Path(folder) / "events"
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("*.py", ".audiform", "__pycache__"))
        say("Is it right, and does each event become the request that it should?")
        audiform(project, "test")
        with sandbox(project) as platforms:
            tell(project, platforms)


def tell(project: Path, platforms: str) -> None:
    """Run the commands; `platforms` is the sandbox's URL."""
    say("Two event connectors are applied; a process takes events in, and sends them on")
    audiform(project, "apply", "--auto-approve")
    with collector(project) as url:
        say("Events arrive. One is not what its type says: it is refused at once")
        send(url, order("o-1", 30.5), order("o-2", 99.0), order("o-3", 5.0), order("o-4", 70.0, context={}))
        send(url, {"event": "Product Viewed", "userId": "u-1", "messageId": "v-1"})
        send(url, {"event": "Order Completed", "userId": "u-1", "properties": {"order_id": "5"}})

        say("The warehouse gets all that were taken in; the CRM orders of some size, of people who agreed")
        wait_for(platforms, crm=2, warehouse=5)

        say("The CRM has a bad day: it fails half the time. The warehouse notices nothing")
        fault(platforms, {"fault": "error", "type": "crm", "probability": 0.5})
        for number in range(4):
            send(url, *(order(f"p-{number}-{one}", 40 + one) for one in range(3)))
            time.sleep(0.15)  # long enough to be a request of its own
        wait_for(platforms, crm=14, warehouse=17)

        say("It refuses what it is sent: those orders are kept as dead letters")
        fault(platforms, {"fault": "status", "type": "crm", "status": 422, "probability": 1})
        send(url, *(order(f"r-{one}", 80 + one) for one in range(REFUSED)))
        wait_until(lambda: len(letters(project)) == REFUSED, f"{REFUSED} dead letters")
        audiform(project, "dead-letters", "list")
        audiform(project, "status")

        say("Somebody mended it: they are sent again")
        fault(platforms)
        audiform(project, "dead-letters", "replay", "--connector", "crm", "--auto-approve")
        wait_for(platforms, crm=17, warehouse=20)

        say("Only large orders from now on: an apply takes effect within a second, nothing is restarted")
        replace(project / "environments/local.yaml", "least_total: 20", "least_total: 500")
        audiform(project, "apply", "--auto-approve")
        time.sleep(1)
        send(url, order("s-1", 499.0), order("s-2", 501.0))
        wait_for(platforms, crm=18, warehouse=22)

    say("What became of all of them")
    audiform(project, "stats")


def order(identity: str, total: float, context: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an order as a shop's page would send it."""
    said = {"order_id": identity, "total": total, "email": "Ada@Example.com"}
    who = {
        "messageId": identity,
        "userId": f"u-{identity}",
        "context": AGREED if context is None else context,
    }
    return {"event": "Order Completed", "properties": said, **who}


@contextmanager
def sandbox(project: Path) -> Iterator[str]:
    """Start a sandbox, lead the project's connectors to it, yield its URL."""
    command = (*AUDIFORM, "sandbox", "--project", str(project), "--port", "0")
    printed = project.parent / "overrides.yaml"
    with printed.open("w", encoding="utf-8") as stdout, started(command, stdout=stdout) as process:
        ready = process.stderr.readline()
        if not ready.startswith("Sandbox at "):
            sys.exit(f"The sandbox did not start:\n{ready}{process.stderr.read()}")
        with (project / "environments/local.yaml").open("a", encoding="utf-8") as file:
            file.write(f"\n{printed.read_text(encoding='utf-8')}")
        yield ready.split()[2].rstrip(",")


@contextmanager
def collector(project: Path) -> Iterator[str]:
    """Run the process that takes events in, and stop it as an operator does; yield its URL."""
    print("\n$ audiform run --port 0 &", flush=True)
    with started((*AUDIFORM, "-C", str(project), "run", "--port", "0"), stdout=None) as process:
        for line in process.stderr:
            said = json.loads(line)
            if said["event"] == "running":
                yield str(said["url"])
                return
        sys.exit(f"It did not start: exit code {process.wait()}")


@contextmanager
def started(command: tuple[str, ...], stdout: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process that ends with the block."""
    pipes = {"stdout": stdout, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=ENVIRONMENT, text=True, **pipes)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def audiform(project: Path, *arguments: str) -> None:
    """Print and run one command; stop the story where it ends in another way than expected."""
    print(f"\n$ audiform {' '.join(arguments)}", flush=True)
    done = subprocess.run((*AUDIFORM, *arguments), cwd=project, env=ENVIRONMENT, check=False)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}, and 0 was expected")


def letters(project: Path) -> list[Any]:
    """Return the dead letters."""
    command = (*AUDIFORM, "-C", str(project), "dead-letters", "list", "--json")
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def send(url: str, *events: dict[str, Any]) -> None:
    """Send events as Segment's libraries do, and print what is answered."""
    said = json.dumps({"batch": [{"type": "track", **event} for event in events]})
    request = urllib.request.Request(f"{url}/v1/batch", said.encode(), {"Content-Type": "application/json"})  # noqa: S310 - this machine's own process
    request.add_header("Authorization", f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}")
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - this machine's own process
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read().decode()
    names = ", ".join(f"{event['event']} {event.get('messageId', '')}".strip() for event in events)
    print(f"  {names}\n    -> {status} {text}", flush=True)


def fault(platforms: str, *faults: dict[str, Any]) -> None:
    """Let the sandbox do this from now on, and nothing else."""
    for method, body in (("DELETE", None), *(("POST", json.dumps(one)) for one in faults)):
        shown = f" -d '{body}'" if body else ""
        print(f"\n$ curl -X {method} {platforms}/_sandbox/faults{shown}", flush=True)
        data = None if body is None else body.encode()
        asked = urllib.request.Request(f"{platforms}/_sandbox/faults", data, method=method)  # noqa: S310 - the sandbox
        urllib.request.urlopen(asked).close()  # noqa: S310 - the sandbox


def wait_for(platforms: str, **wanted: int) -> None:
    """Wait until the destinations have got so many events, and no more; print how many, and how long it took."""

    def held() -> dict[str, int]:
        with urllib.request.urlopen(f"{platforms}/_sandbox/events") as answer:  # noqa: S310 - the sandbox
            found = json.load(answer)
        return {name: found[name]["events"] for name in wanted}

    took = wait_until(lambda: held() == wanted, f"{wanted}")
    print(f"\n$ curl {platforms}/_sandbox/events   # after {took:.1f} s")
    for name, count in wanted.items():
        print(f"{name:<12}{count:>4} events", flush=True)


def wait_until(true: Callable[[], object], what: str, seconds: float = 30.0) -> float:
    """Wait until something is so, and say how long that took; stop the story where it does not become so."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > seconds:
            sys.exit(f"it did not come to {what} within {seconds:g} seconds")
        time.sleep(0.05)
    return time.monotonic() - begun


def say(text: str) -> None:
    """Print one line of the story."""
    print(f"\n\n# {text}", flush=True)


def replace(path: Path, before: str, after: str) -> None:
    """Edit a file as a person would, and show it."""
    text = path.read_text(encoding="utf-8")
    if before not in text:
        sys.exit(f"{path.name} does not hold `{before}`")
    path.write_text(text.replace(before, after), encoding="utf-8")
    print(f"\n{path.parent.name}/{path.name}:\n- {before}\n+ {after}", flush=True)


if __name__ == "__main__":
    main()
