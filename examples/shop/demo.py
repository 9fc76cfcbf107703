"""The whole way on a real shop's orders: validate, plan, apply, time passes, a guard stops a mistake.

Run by `make demo`. Works in a copy of this folder, against a sandbox that stands in for the platforms: nothing leaves
this machine. Each command is printed before it runs, so that it can be repeated by hand.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
AUDIFORM = (sys.executable, "-m", "audiform")
# The sandbox takes any secret; these stand in for those that a CI system would provide.
SECRETS = dict.fromkeys(
    (
        "META_ACCESS_TOKEN",
        "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET",
        "GOOGLE_REFRESH_TOKEN",
        "KLAVIYO_PRIVATE_KEY",
    ),
    "any-secret-will-do",
)


def main() -> None:
    """Tell the story, one command after the other."""
    with tempfile.TemporaryDirectory(prefix="audiform-demo-") as folder:
        shop = Path(folder) / "shop"
        shutil.copytree(HERE, shop, ignore=shutil.ignore_patterns("*.py", ".audiform", "__pycache__"))
        with sandbox(shop) as url:
            tell(shop, url)


def tell(shop: Path, url: str) -> None:
    """Run the commands in `shop`; `url` is the sandbox's."""
    say("A pull request: is the project right, and what would it do to how many people?")
    audiform(shop, "validate")
    audiform(shop, "plan", "--out", "plan.json")

    say("It was read and merged: exactly that plan is applied")
    audiform(shop, "apply", "plan.json")

    say("Nothing is left to do")
    audiform(shop, "plan")

    say("Ten days pass: people enter, leave and change")
    replace(shop / "environments/staging.yaml", 'as_of: "1997-03-31"', 'as_of: "1997-04-10"')
    audiform(shop, "plan")
    audiform(shop, "apply", "--auto-approve")

    say(
        "A mistake of one digit: lapsed after 600 days instead of 60. The guard stops it before anything is sent"
    )
    replace(shop / "environments/staging.yaml", "lapsed_after_days: 60", "lapsed_after_days: 600")
    audiform(shop, "apply", "--auto-approve", expected=3)

    say("What was sent so far, and what the platforms hold now")
    audiform(shop, "stats")
    show(url)


@contextmanager
def sandbox(shop: Path) -> Iterator[str]:
    """Start a sandbox, lead the staging environment to it, yield its URL."""
    command = (*AUDIFORM, "sandbox", "--project", str(shop), "--port", "0")
    printed = shop.parent / "overrides.yaml"
    with printed.open("w", encoding="utf-8") as stdout:
        process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    try:
        ready = (
            process.stderr.readline()
        )  # after the overrides: "Sandbox at http://127.0.0.1:8484, 3 services; ..."
        if not ready.startswith("Sandbox at "):
            sys.exit(f"The sandbox did not start:\n{ready}{process.stderr.read()}")
        with (shop / "environments/staging.yaml").open("a", encoding="utf-8") as file:
            file.write(
                f"\n# What `audiform sandbox --project shop` printed\n{printed.read_text(encoding='utf-8')}"
            )
        yield ready.split()[2].rstrip(",")
    finally:
        process.terminate()
        process.wait(timeout=10)


def audiform(shop: Path, *arguments: str, expected: int = 0) -> None:
    """Print and run one command; stop the story where it ends in another way than expected."""
    print(f"\n$ audiform {' '.join(arguments)}", flush=True)
    done = subprocess.run((*AUDIFORM, *arguments), cwd=shop, env={**os.environ, **SECRETS}, check=False)
    if expected:
        print(f"(exit code {done.returncode})", flush=True)
    if done.returncode != expected:
        sys.exit(f"exit code {done.returncode}, and {expected} was expected")


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


def show(url: str) -> None:
    """Print the destinations of the sandbox with their members counted."""
    with urllib.request.urlopen(f"{url}/_sandbox/destinations") as answer:  # noqa: S310 - this machine's own sandbox
        platforms = json.load(answer)
    print(f"\n$ curl {url}/_sandbox/destinations")
    for platform, destinations in platforms.items():
        for one in destinations:
            held = ", ".join(f"{count:,} {what}" for what, count in one["members"].items())
            print(f"{platform:<24} {one['attributes']['name']:<32} {held or 'nobody'}")


if __name__ == "__main__":
    main()
