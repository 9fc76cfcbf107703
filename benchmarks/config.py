"""Reading, validating and planning generated projects, beside Terraform on as many resources in the same run.

Prints JSON; exit code 1 when a budget does not hold.
Terraform is asked where it is on PATH; `terraform_data` resources cost it no network, as `--no-refresh` does us.

    python benchmarks/config.py                 100, 1,000 and 10,000 resources
    python benchmarks/config.py --large         and 100,000, without Terraform
    python benchmarks/config.py --no-peer       without Terraform
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import costs
from costs import BYTECODE, Cost, best
from results import Budget, Figure, Result, finish, here, options

JUDGED = 10_000
LARGE = 100_000
SIZES = (100, 1_000, JUDGED)
PER_FILE = 100
CONNECTORS = 10
FASTER = 25
MOST_MEGABYTES = 200
MOST_GROWTH = 12
MOST_START_UP = 0.1
BARE = "python -c pass"
AUDIFORM = (sys.executable, "-m", "audiform")
VALIDATE = (*AUDIFORM, "validate")
PLAN = (*AUDIFORM, "plan", "--no-impact", "--no-refresh")


# --- Running


def cost(
    command: Sequence[str], folder: Path, *, times: int = 3, environment: Mapping[str, str] | None = None
) -> Cost:
    """Return the cost of a command as a whole process; the least of several, which other work disturbed least."""
    given = {**BYTECODE, **(environment or {})}
    return best([costs.cost(command, folder=folder, environment=given) for _ in range(times)])


def cold(command: Sequence[str], folder: Path, *, times: int = 3) -> Cost:
    """Return the cost of a command that remembers nothing."""
    seen = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as cache:
            seen.append(cost(command, folder, times=1, environment={"XDG_CACHE_HOME": cache}))
    return best(seen)


# --- Audiform


def audiform(size: int, work: Path, times: int) -> dict[str, Cost]:
    """Return the costs of the commands on a project of `size` resources."""
    project = work / f"audiform-{size}"
    generate(project, size)
    cache = {"XDG_CACHE_HOME": str(work / "cache")}
    cost(PLAN, project, times=1, environment=cache)
    cost(VALIDATE, project, times=1, environment=cache)
    costs = {"validate, cold": cold(VALIDATE, project, times=times)}
    costs["validate"] = cost(VALIDATE, project, times=times, environment=cache)
    # One file has changed: what is remembered helps with the others.
    connectors = project / "connectors.yaml"
    seen = []
    for number in range(times):
        connectors.write_text(f"# {number}\n{connectors.read_text(encoding='utf-8')}", encoding="utf-8")
        seen.append(cost(VALIDATE, project, times=1, environment=cache))
    costs["validate, a file changed"] = min(seen, key=lambda one: one.seconds)
    costs["first plan, cold"] = cold(PLAN, project, times=times)
    costs["first plan"] = cost(PLAN, project, times=times, environment=cache)
    # In a process of its own: a child's peak counts what its parent had in memory when it was made.
    subprocess.run((sys.executable, __file__, "--record", str(project)), check=True)
    costs["no-op plan"] = cost((*PLAN, "--detailed-exitcode"), project, times=times, environment=cache)
    return costs


def generate(root: Path, size: int) -> None:
    """Write a project: one source, ten connectors, and as many audiences as bindings; 100 resources to a file."""
    (root / "environments").mkdir(parents=True)
    head = "# yaml-language-server: $schema=https://audiform.dev/schemas/resources.schema.json\n"
    files = {
        "audiform.yaml": "project: generated\ndefault_environment: production\n",
        "environments/production.yaml": 'values:\n  account: "1234567890"\n',
        "sources.yaml": f"{head}sources:\n  shop:\n    type: duckdb\n    settings: {{tables: {{customers: data/customers.parquet}}}}\n",
        "connectors.yaml": f"{head}connectors:\n" + "".join(map(_connector, range(CONNECTORS))),
    }
    pairs = (size - CONNECTORS - 1) // 2
    for start in range(0, pairs, PER_FILE // 2):
        numbers = range(start, min(start + PER_FILE // 2, pairs))
        audiences, bindings = "".join(map(_audience, numbers)), "".join(map(_binding, numbers))
        files[f"team_{start // (PER_FILE // 2):05}.yaml"] = (
            f"{head}audiences:\n{audiences}bindings:\n{bindings}"
        )
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")


def _connector(number: int) -> str:
    return (
        f"  ads_{number}:\n    type: meta_custom_audiences\n"
        '    settings: {ad_account_id: "{{ values.account }}"}\n'
        f"    credentials: {{access_token: {{from_env: ADS_TOKEN_{number}}}}}\n"
    )


def _audience(number: int) -> str:
    return (
        f"  spent_{number}:\n    description: Spent {number} or more\n    source: shop\n    query: |\n"
        "      SELECT customer_id, email, phone, lifetime_value, marketing_ok\n      FROM customers\n"
        f"      WHERE lifetime_value >= {number} AND country = 'C{number % 50}'\n"
        "    profile_key: customer_id\n    identifiers: {email: email, phone: phone}\n    consent: marketing_ok\n"
    )


def _binding(number: int) -> str:
    return (
        f"  spent_{number}_on_ads:\n    audience: spent_{number}\n    connector: ads_{number % CONNECTORS}\n"
        f'    destination: {{name: "Spent {number} [{{{{ environment }}}}]", description: Win-back}}\n'
        "    signals: [add, remove]\n    on_delete: remove_members\n    guards: {max_removed: 20%}\n"
    )


def record(root: Path) -> None:
    """Record everything as an apply would have, so that nothing is left to plan."""
    from audiform.cli.checking import checked
    from audiform.plan.records import record_of
    from audiform.state.open import open_store

    found = checked(root, None)
    project = found.project
    if project is None:
        message = f"the generated project is wrong: {[*found.diagnostics]}"
        raise RuntimeError(message)
    types = {connector.type for connector in project.connectors.values()}
    digests = {name: found.catalog.get(name).digest for name in types}
    store = open_store(project.state.url, root, project.environment.name)
    try:
        store.create()
        with store.lock("benchmark"):
            store.put(
                *(
                    record_of(
                        project,
                        address,
                        type_digests=digests,
                        secret_digests={},
                        destination_id=f"id-{number}",
                    )
                    for number, address in enumerate(project.digests)
                )
            )
    finally:
        store.close()


# --- Terraform


def beside(size: int, work: Path, times: int) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """Return our costs and Terraform's, taken in turns: what else the machine does disturbs both alike.

    Its resources are as many, with the same fields and references.
    """
    ours, theirs = work / "ours", work / "theirs"
    generate(ours, size)
    _generate_terraform(theirs, size)
    ours_by, theirs_by = dict[str, Cost](), dict[str, Cost]()
    cache = {"XDG_CACHE_HOME": str(work / "cache")}

    def take_turns(name: str, mine: Sequence[str], peer: Sequence[str]) -> None:
        cost(mine, ours, times=1, environment=cache)
        seen = [
            (cost(mine, ours, environment=cache), cost(peer, theirs, times=1, environment=_QUIET))
            for _ in range(times)
        ]
        ours_by[name] = min((one for one, _ in seen), key=lambda one: one.seconds)
        theirs_by[name] = min((one for _, one in seen), key=lambda one: one.seconds)

    program = str(shutil.which("terraform"))
    cost((program, "init", "-input=false"), theirs, times=1, environment=_QUIET)
    plan = (program, "plan", "-input=false")
    take_turns("validate", VALIDATE, (program, "validate"))
    take_turns("first plan", PLAN, plan)
    subprocess.run((sys.executable, __file__, "--record", str(ours)), check=True)
    # Its own apply takes minutes, so its state is written as that would.
    (theirs / "terraform.tfstate").write_text(json.dumps(_terraform_state(size)), encoding="utf-8")
    take_turns("no-op plan", (*PLAN, "--detailed-exitcode"), (*plan, "-detailed-exitcode"))
    return ours_by, theirs_by


_QUIET = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


def _generate_terraform(project: Path, size: int) -> None:
    project.mkdir()
    resources = [*_peer_resources(size)]
    for start in range(0, len(resources), PER_FILE):
        texts = (
            # JSON is an expression of HCL, and `${...}` in it a reference.
            f'resource "terraform_data" "{name}" {{\n  input = {json.dumps(body)}\n}}\n'
            for name, body in resources[start : start + PER_FILE]
        )
        (project / f"team_{start:06}.tf").write_text("".join(texts), encoding="utf-8")


def _peer_resources(size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what `generate` writes, as name and body: the same fields, values and references."""
    yield "shop", {"type": "duckdb", "settings": {"tables": {"customers": "data/customers.parquet"}}}
    for number in range(CONNECTORS):
        token = {"access_token": {"from_env": f"ADS_TOKEN_{number}"}}
        yield (
            f"ads_{number}",
            {"type": "ads", "settings": {"ad_account_id": "1234567890"}, "credentials": token},
        )
    for number in range((size - CONNECTORS - 1) // 2):
        yield (
            f"spent_{number}",
            {
                "description": f"Spent {number} or more",
                "source": _reference("shop"),
                "query": "SELECT customer_id, email, phone, lifetime_value, marketing_ok\nFROM customers\n"
                f"WHERE lifetime_value >= {number} AND country = 'C{number % 50}'\n",
                "profile_key": "customer_id",
                "identifiers": {"email": "email", "phone": "phone"},
                "consent": "marketing_ok",
            },
        )
        yield (
            f"spent_{number}_on_ads",
            {
                "audience": _reference(f"spent_{number}"),
                "connector": _reference(f"ads_{number % CONNECTORS}"),
                "destination": {"name": f"Spent {number} [production]", "description": "Win-back"},
                "signals": ["add", "remove"],
                "on_delete": "remove_members",
                "guards": {"max_removed": "20%"},
            },
        )


def _reference(name: str) -> str:
    return f"${{terraform_data.{name}.id}}"


def _terraform_state(size: int) -> dict[str, Any]:
    return {
        "version": 4,
        "terraform_version": "1.0.0",
        "serial": 1,
        "lineage": "benchmark",
        "outputs": {},
        "resources": [_terraform_record(name, body) for name, body in _peer_resources(size)],
        "check_results": None,
    }


def _terraform_record(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    needs = [found.group(1) for text in body.values() if (found := _REFERENCE.match(str(text)))]
    given = {
        key: _REFERENCE.sub(r"id-\2", text) if isinstance(text, str) else text for key, text in body.items()
    }
    value = {"value": given, "type": _type_of(given)}
    attributes = {"id": f"id-{name}", "input": value, "output": value, "triggers_replace": None}
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [
            {"schema_version": 0, "attributes": attributes, "sensitive_attributes": [], "dependencies": needs}
        ],
    }


_REFERENCE = re.compile(r"\$\{(terraform_data\.(\w+))\.id\}")


def _type_of(value: Any) -> Any:
    if isinstance(value, dict):
        return ["object", {key: _type_of(item) for key, item in value.items()}]
    return ["tuple", [_type_of(item) for item in value]] if isinstance(value, list) else "string"


# --- What it means


def start_up(times: int) -> dict[str, float]:
    """Return the seconds of a bare interpreter, of `version` and of `--help`."""
    here = Path()
    commands = {
        BARE: (sys.executable, "-c", "pass"),
        "version": (*AUDIFORM, "version"),
        "--help": (*AUDIFORM, "--help"),
    }
    return {name: cost(command, here, times=times * 3).seconds for name, command in commands.items()}


def budgets(
    ours: Mapping[int, Mapping[str, Cost]], peer: Mapping[str, Cost], starts: Mapping[str, float]
) -> Iterator[Budget]:
    """Yield every budget that this run can judge."""
    judged = ours[JUDGED]
    for name, them in peer.items():
        times = them.seconds / judged[name].seconds
        yield Budget(f"{name}: times faster", times, at_least=FASTER, peer="Terraform")
    yield Budget(
        "memory at the peak", max(one.megabytes for one in judged.values()), "MB", at_most=MOST_MEGABYTES
    )
    for name, large in ours.get(LARGE, {}).items():
        growth = large.seconds / judged[name].seconds
        yield Budget(f"{name}: growth from {JUDGED:,} to {LARGE:,} resources", growth, at_most=MOST_GROWTH)
    bare = starts[BARE]
    for name in ("version", "--help"):
        yield Budget(
            f"{name}: more than a bare interpreter",
            starts[name] - bare,
            "s",
            at_most=MOST_START_UP,
            peer=BARE,
        )


def figures(
    ours: Mapping[int, Mapping[str, Cost]], peer: Mapping[str, Cost], starts: Mapping[str, float]
) -> Iterator[Figure]:
    """Yield what a reader compares."""
    judged = ours[JUDGED]
    for name, them in peer.items():
        sides = {"Audiform": judged[name], "Audiform, cold": judged.get(f"{name}, cold"), "Terraform": them}
        for who, one in sides.items():
            if one is not None:
                yield Figure(f"{JUDGED:,} resources: {name}", who, one.seconds, "s")
    for name, them in peer.items():
        for who, one in {"Audiform": judged[name], "Terraform": them}.items():
            yield Figure(f"{JUDGED:,} resources: memory at the peak", f"{who}, {name}", one.megabytes, "MB")
    for size, costs_of in ours.items():
        for name, one in costs_of.items():
            yield Figure(f"{size:,} resources", f"Audiform, {name}", one.seconds, "s")
    for name, seconds in starts.items():
        yield Figure("Start-up", name if name == BARE else f"Audiform, {name}", seconds, "s")


ABOUT = f"""\
Generated projects: one source, {CONNECTORS} connectors, and as many audiences as bindings, 100 resources to a file. Terraform has as many
`terraform_data` resources with the same fields and references; neither asks a platform. Each command is a whole process,
the best of a few that take turns. *Cold*: without what Audiform remembers of files that it has read before."""


def main() -> int:
    """Measure and print; 1 when a budget does not hold."""
    parser = options(__doc__)
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} resources")
    parser.add_argument("--no-peer", action="store_true", help="do not ask Terraform")
    parser.add_argument("--times", type=int, default=3, help="how often each command is run")
    parser.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.record is not None:
        record(arguments.record)
        return 0
    has_peer = not arguments.no_peer and shutil.which("terraform") is not None
    place = here(others={"terraform": _terraform_version()} if has_peer else None)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sizes = (*SIZES, LARGE) if arguments.large else SIZES
        ours = {size: audiform(size, work, arguments.times) for size in sizes}
        turns, peer = beside(JUDGED, work, arguments.times) if has_peer else ({}, {})
        ours[JUDGED] |= turns
    seen = ours, peer, start_up(arguments.times)
    result = Result("config", "Validate and plan", ABOUT, [*figures(*seen)], [*budgets(*seen)], place)
    return finish(result, arguments)


def _terraform_version() -> str:
    said = subprocess.run(("terraform", "version", "-json"), capture_output=True, text=True, check=True)
    return str(json.loads(said.stdout)["terraform_version"])


if __name__ == "__main__":
    sys.exit(main())
