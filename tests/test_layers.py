"""The architecture, enforced: who may import whom, no cycles, no platform's name in the engine, small modules."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ENGINE = CHECKOUT / "engine"
PACKAGE = "audiform"


# --- The table


@dataclass(frozen=True)
class Layer:
    """Units (a module or a folder of `audiform`) that stand at the same height.

    A unit imports itself and lower layers. Units of one layer import each other only where it is `free`.
    """

    name: str
    units: frozenset[str]
    free: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _layer(name: str, units: str, *, free: bool = False) -> Layer:
    return Layer(name, _words(units), free)


# From the bottom to the top. A new module or folder of `engine/audiform` is added here, as low as it can stand.
LAYERS = (
    _layer(
        "words",
        "__init__ address bundled codes diagnostics garbage graph hashing lazily marker memory outcome shapes sql sqlite_file urls",
        free=True,
    ),
    _layer("known", "config connectors state"),
    _layer("deciding", "plan audiences events schedules"),
    _layer("judging", "policies"),
    _layer("checking", "check schemas"),
    _layer(
        "reaching out",
        "engines spark transport transports limits wire halving revision client cases credentials project_tests sources delivery measure refresh "
        "runtime destinations imports judging secret_stores rehearsal drift history event_client event_rates collector eventlog forwarding",
        free=True,
    ),
    _layer("planning", "planner"),
    _layer("carrying out", "execution"),
    _layer("undoing", "inverse"),
    _layer("doing", "apply erasure sync run"),
    _layer("watching", "watch"),
    _layer("standing in", "sandbox console"),
    _layer("showing", "cli"),
    _layer("entry", "__main__"),
)

# Words of the catalogue's folder names (connectors/<type>) that mean something else in the engine too.
COMMON_WORDS = _words(
    "ads api app message segment audience audiences capi conversions custom customer data event events file http list"
)
COMMON_WORDS |= _words("files kafka postgresql")  # ways of transport (transports/), whoever runs the servers
COMMON_WORDS |= _words(
    "cloud first iterable lists manager marketing match matched party people segments server tags user users webhook"
)
# Platforms whose name may not stand in the engine, also while the catalogue has no folder of theirs.
PLATFORMS = _words(
    "adform braze criteo facebook google hubspot instagram klaviyo linkedin mailchimp meta microsoft"
)
PLATFORMS |= _words("pinterest reddit salesforce snapchat taboola tiktok twitter whatsapp youtube")

# Files that name a company for what is no connector's platform: where secrets and files are kept.
OF_NO_CONNECTOR = {
    Path("engine/audiform/secret_stores/gcp.py"): {"google"},
    Path("engine/audiform/config/source_settings.py"): {"azure", "google"},
    Path("engine/audiform/sources/filesystems.py"): {"azure"},
}

# What opens a connection: only for what reaches out, and for what stands in for the other side.
NETWORK = _words("adbc_driver_manager adbc_driver_postgresql confluent_kafka paramiko")
NETWORK |= _words("nats uvicorn uvloop")
NETWORK |= _words("aiohttp ftplib httpx httpx_aiohttp requests smtplib socketserver urllib3 websockets")
NETWORK |= _words("asyncmy psycopg boto3 botocore deltalake pyiceberg")
NETWORKED = frozenset({"reaching out", "standing in"})
# Where a state is kept is reached by what keeps it, and by nothing else below the layer that reaches out.
KEEPING = {
    "audiform.state.postgresql": _words("psycopg"),
    "audiform.state.s3": _words("boto3 botocore deltalake"),
}
# What the words may be made of, beside the standard library.
WORDS_ARE_MADE_OF = frozenset({"audiform", "pydantic"})

MODULE_LINES = 400
MODULE_MEDIAN = 150
FUNCTION_LINES = 60
FUNCTION_MEDIAN = 10
FUNCTION_P90 = 30


PLACE = re.compile(r"(?P<module>audiform(?:\.\w+)+):(?P<attribute>\w+)")


# --- What is there


@dataclass(frozen=True)
class Import:
    """One import of an own module; `hidden` says why it is not a plain one at the top of the module."""

    importer: str
    imported: str
    file: Path
    line: int
    hidden: str | None = None

    @property
    def place(self) -> str:
        """Where it stands, to click on."""
        return f"{self.file.relative_to(CHECKOUT)}:{self.line}"


@cache
def modules() -> dict[str, Path]:
    """Return dotted name -> file of every module of the engine."""
    found = {}
    for file in sorted(ENGINE.rglob("*.py")):
        parts = file.relative_to(ENGINE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def tree_of(file: Path) -> ast.Module:
    """Return the syntax tree of one file."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


@cache
def imports() -> tuple[Import, ...]:
    """Return every import of an own module, wherever it stands."""
    return tuple(
        Import(name, imported, file, line, hidden)
        for name, file in modules().items()
        for imported, line, hidden in own_imports(tree_of(file), name, is_package=file.name == "__init__.py")
    )


def own_imports(
    tree: ast.AST, name: str, *, is_package: bool, known: frozenset[str] | None = None
) -> Iterator[tuple[str, int, str | None]]:
    """Yield (module, line, hidden) for each own module that `tree` imports."""
    known = frozenset(modules()) if known is None else known
    for node, hidden in _import_nodes(tree, None):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            base = _base(node, name, is_package=is_package)
            targets = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names
            ]
        for target in dict.fromkeys(targets):
            if target == PACKAGE or target.startswith(f"{PACKAGE}."):
                yield target, node.lineno, hidden
    for module, _, line in places(tree):
        yield module, line, None


def places(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Yield (module, attribute, line) of each place that `lazily.load` may be given: an import, only a late one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = PLACE.fullmatch(node.value)
            if found:
                yield found["module"], found["attribute"], node.lineno


def roots() -> Iterator[tuple[str, str, str]]:
    """Yield (module, first name of what it imports, place) for every import of the engine."""
    for module, file in modules().items():
        for node, _ in _import_nodes(tree_of(file), None):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
            for name in names:
                yield module, name.partition(".")[0], f"{file.relative_to(CHECKOUT)}:{node.lineno}"


def _import_nodes(
    node: ast.AST, hidden: str | None
) -> Iterator[tuple[ast.Import | ast.ImportFrom, str | None]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, hidden
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _import_nodes(child, "inside a function")
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _import_nodes(child, "under TYPE_CHECKING")
        else:
            yield from _import_nodes(child, hidden)


def _base(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    package = parts[: len(parts) - node.level + is_package]
    return ".".join([*package, node.module] if node.module else package)


def unit_of(module: str) -> str:
    """Return the module or folder of `audiform` that `module` is in: its line of the table."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def heights() -> dict[str, int]:
    """Return unit -> height of its layer."""
    return {unit: height for height, layer in enumerate(LAYERS) for unit in layer.units}


def forbidden(importer: str, imported: str) -> str | None:
    """Return why one unit may not import another, or None where it may."""
    if importer == imported:
        return None
    height = heights()
    if height[imported] > height[importer]:
        return f"{LAYERS[height[imported]].name!r} stands above {LAYERS[height[importer]].name!r}"
    if height[imported] == height[importer] and not LAYERS[height[importer]].free:
        return f"they are siblings in {LAYERS[height[importer]].name!r}; what needs two of them lives above"
    return None


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return one cycle for each first way back that a walk in depth finds."""
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> None:
        if node in path:
            found.append([*path[path.index(node) :], node])
            return
        if node not in done:
            for target in sorted(edges.get(node, ())):
                walk(target, [*path, node])
            done.add(node)

    for start in sorted(edges):
        walk(start, [])
    return found


def functions() -> Iterator[tuple[str, str, int]]:
    """Yield (place, name, lines) of every function and method of the engine; the lines hold its docstring."""
    for file in modules().values():
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                yield f"{file.relative_to(CHECKOUT)}:{node.lineno}", node.name, lines


def line_count(file: Path) -> int:
    """Return the number of lines of a file."""
    return len(file.read_text(encoding="utf-8").splitlines())


def words_of(line: str) -> set[str]:
    """Return the words of a line in lower case, with the parts of snake_case and CamelCase names."""
    whole = re.findall(r"[A-Za-z]+", line)
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", line)
    return {word.lower() for word in whole + parts}


def platform_words() -> frozenset[str]:
    """Return the platforms' names: those known, and the telling words of the catalogue's folder names."""
    folders = [folder.name for folder in (CHECKOUT / "connectors").glob("*") if folder.is_dir()]
    words = {word for folder in folders for word in re.split(r"[^a-z]+", folder.lower()) if len(word) > 2}
    return (PLATFORMS | words) - COMMON_WORDS


def report(problems: list[str], hint: str = "") -> None:
    """Fail with all problems at once, one to a line, and what to do about them below."""
    if problems:
        pytest.fail("\n".join(problems) + f"\n\nhint: {hint}" * bool(hint), pytrace=False)


# --- The rules


def test_every_module_has_its_place():
    """Every module and folder of the engine stands in the table, and in one layer only."""
    known = heights()
    problems = [
        f"{file.relative_to(CHECKOUT)}:1: `{unit_of(name)}` has no layer: add it to the table LAYERS in tests/test_layers.py"
        for name, file in modules().items()
        if unit_of(name) not in known
    ]
    twice = [unit for unit in known if sum(unit in layer.units for layer in LAYERS) > 1]

    report(problems + [f"`{unit}` stands in two layers of LAYERS" for unit in twice])


def test_imports_point_downwards():
    """A module imports only its own folder and lower layers."""
    known = heights()

    report(
        [
            f"{found.place}: {found.importer} may not import {found.imported}: {why}"
            for found in imports()
            if {unit_of(found.importer), unit_of(found.imported)} <= known.keys()
            and (why := forbidden(unit_of(found.importer), unit_of(found.imported)))
        ]
    )


def test_imports_of_own_modules_are_not_hidden():
    """Own modules are imported at the top: an import in a function or under TYPE_CHECKING hides a knot."""
    report(
        [
            f"{found.place}: {found.importer} imports {found.imported} {found.hidden}: import it at the top, "
            "or move what both need to a lower layer"
            for found in imports()
            if found.hidden
        ]
    )


def test_no_import_cycle():
    """No module imports itself over others, every import counted."""
    edges: dict[str, set[str]] = {}
    places = {}
    for found in imports():
        if found.imported in modules() and found.imported != found.importer:
            edges.setdefault(found.importer, set()).add(found.imported)
            places[found.importer, found.imported] = found.place

    report([f"{places[cycle[0], cycle[1]]}: import cycle: {' -> '.join(cycle)}" for cycle in cycles(edges)])


def test_words_are_plain():
    """The lowest layer is made of the standard library and pydantic: whoever imports it pays nothing."""
    report(
        [
            f"{place}: {module} imports {root}; the words are made of the standard library and pydantic"
            for module, root, place in roots()
            if unit_of(module) in LAYERS[0].units and root not in sys.stdlib_module_names | WORDS_ARE_MADE_OF
        ]
    )


def test_only_what_reaches_out_opens_connections():
    """Whatever decides is pure: a network library below the layer that sends would be a second way out."""
    networked = {unit for layer in LAYERS if layer.name in NETWORKED for unit in layer.units}

    report(
        [
            f"{place}: {module} imports {root}; only {' and '.join(sorted(NETWORKED))} may"
            for module, root, place in roots()
            if root in NETWORK
            and unit_of(module) not in networked
            and not any(module.startswith(f"{keeper}.") and root in KEEPING[keeper] for keeper in KEEPING)
        ]
    )


def test_no_platform_in_the_engine():
    """What is special about a platform stands in its manifest; the engine knows none by name."""
    names = platform_words()

    report(
        [
            f"{file.relative_to(CHECKOUT)}:{number}: names the platform {', '.join(sorted(found))}"
            for file in sorted(ENGINE.rglob("*"))
            if file.is_file() and file.suffix not in {".pyc", ".pyo"}
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
            if (
                found := (words_of(line.replace("<meta ", "")) & names)  # which is HTML's too
                - OF_NO_CONNECTOR.get(file.relative_to(CHECKOUT), set())
            )
        ],
        hint="what is special about a platform stands in connectors/<type>/, and examples are neutral (`ads_eu`); "
        "a common word of a folder's name is added to COMMON_WORDS in tests/test_layers.py",
    )


def test_modules_are_small():
    """No module above 400 lines, and a median of at most 150."""
    sizes = {file.relative_to(CHECKOUT): line_count(file) for file in modules().values()}
    problems = [
        f"{file}:{MODULE_LINES + 1}: {size} lines; a module has at most {MODULE_LINES}: split it"
        for file, size in sizes.items()
        if size > MODULE_LINES
    ]
    middle = median(sizes.values())

    report(
        problems + [f"the median module has {middle} lines, above {MODULE_MEDIAN}"] * (middle > MODULE_MEDIAN)
    )


def test_functions_are_small():
    """No function above 60 lines, a median of at most 10, and nine of ten within 30."""
    found = list(functions())
    problems = [
        f"{place}: {name} has {lines} lines; a function has at most {FUNCTION_LINES}: split it"
        for place, name, lines in found
        if lines > FUNCTION_LINES
    ]
    sizes = [lines for _, _, lines in found]
    middle, tenth = median(sizes), quantiles(sizes, n=10)[-1]
    problems += [f"the median function has {middle} lines, above {FUNCTION_MEDIAN}"] * (
        middle > FUNCTION_MEDIAN
    )
    problems += [f"one function of ten has {tenth} lines or more, above {FUNCTION_P90}"] * (
        tenth > FUNCTION_P90
    )

    report(problems)


# --- The rules, tested: a rule that finds nothing may be blind


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("config", "address", True),
        ("address", "config", False),
        ("config", "config", True),
        ("config", "connectors", False),
        ("plan", "audiences", False),
        ("check", "audiences", True),
        ("refresh", "transport", True),
        ("apply", "refresh", True),
        ("apply", "sync", False),
        ("cli", "sandbox", True),
        ("sync", "cli", False),
    ],
)
def test_the_table_says_what_the_design_says(importer, imported, allowed):
    """Lower layers and one's own folder are allowed; siblings and higher layers are not."""
    assert allowed is (forbidden(importer, imported) is None)


def test_hidden_and_relative_imports_are_seen():
    """An import counts wherever it stands and however it is written."""
    source = """
import audiform.graph
from audiform import diagnostics, __version__
from . import project
from ..address import Address
if TYPE_CHECKING:
    from audiform.cli.main import main
def f():
    try:
        from audiform.apply import apply
    except ImportError:
        import json
"""
    known = frozenset({"audiform.diagnostics", "audiform.config.project"})

    found = list(own_imports(ast.parse(source), "audiform.config.load", is_package=False, known=known))

    assert [
        ("audiform.graph", 2, None),
        ("audiform.diagnostics", 3, None),
        ("audiform", 3, None),
        ("audiform.config.project", 4, None),
        ("audiform.address", 5, None),
        ("audiform.cli.main", 7, "under TYPE_CHECKING"),
        ("audiform.apply", 10, "inside a function"),
    ] == found


def test_a_cycle_is_found():
    """A way back is found over any number of modules, and a diamond is none."""
    assert [["a", "b", "c", "a"]] == cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert [] == cycles({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}})


@pytest.mark.parametrize(
    "line", ["class MetaClient:", "META_URL = 1", "the Meta way", "meta_eu", "url = 'x.tiktok.com'", "TikTok"]
)
def test_a_platform_is_found_inside_a_name(line):
    """Parts of names count as words."""
    assert words_of(line) & PLATFORMS


@pytest.mark.parametrize("line", ["metadata = {}", "the googol", "class Metadata:"])
def test_a_longer_word_is_no_platform(line):
    """`metadata` is not `meta`."""
    assert not words_of(line) & PLATFORMS


def test_what_is_imported_late_is_there() -> None:
    """A module that is imported by its name exists, and has what is asked of it."""
    wrong = [
        f"{file.relative_to(CHECKOUT)}:{line}: {module}:{attribute}"
        for file in modules().values()
        for module, attribute, line in places(tree_of(file))
        if not hasattr(import_module(module), attribute)
    ]

    assert [] == wrong
