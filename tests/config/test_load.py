"""Loading a project: what becomes of files that are right. What is said of wrong ones stands in test_corpus.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from audiform.address import Address, Kind
from audiform.bundled import bundled
from audiform.config.event_kinds import SOURCE_SETTINGS
from audiform.config.load import load
from audiform.config.project import Project
from audiform.config.schema import FORMS
from audiform.config.secret_references import FromEnv, FromFile

BASE = Path(__file__).parent / "corpus" / "_base"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def project(root: Path, files: dict[str, str] | None = None, environment: str | None = None) -> Project:
    """Return the project of the base and `files`, loaded without a problem."""
    shutil.copytree(BASE, root, dirs_exist_ok=True)
    for name, text in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    loaded, problems = load(root, environment)
    assert [] == [*problems]
    assert loaded is not None
    return loaded


@pytest.mark.parametrize("environment", [None, "staging", "production"])
@pytest.mark.parametrize("example", ["shop", "starter"])
def test_examples_load(example, environment):
    """The examples are right in each environment."""
    loaded, problems = load(bundled() / "examples" / example, environment)

    assert [] == [*problems]
    assert loaded is not None
    assert (environment or "staging") == loaded.environment.name


def test_texts_are_rendered_and_keep_their_types(tmp_path):
    """An expression that stands alone keeps its type; in a text it becomes text."""
    loaded = project(
        tmp_path,
        {
            "bindings.yaml": "bindings:\n  a:\n    audience: lapsed\n    connector: ads_eu\n    on_delete: keep\n"
            "    destination: {days: '{{ values.days }}', all: '{{ values.countries }}', "
            "text: '{{ project }}/{{ environment }}/{{ values.days }}', sum: '{{ values.days + 1 }}'}\n"
        },
    )

    expected = {"days": 90, "all": ["de", "fr"], "text": "corpus/test/90", "sum": 91}
    assert expected == loaded.bindings["a"].destination


def test_late_references_stay_in_settings(tmp_path):
    """A connector's settings may name what is known only when a request is made; elsewhere nothing may."""
    settings = "{path: '/lists/{{ destination.id }}/{{ values.days }}', row: '{{ row.email }}'}"
    loaded = project(
        tmp_path,
        {"more.yaml": f"connectors:\n  generic:\n    type: http_audience\n    settings: {settings}\n"},
    )

    expected = {"path": "/lists/{{ destination.id }}/90", "row": "{{ row.email }}"}
    assert expected == loaded.connectors["generic"].settings


@pytest.mark.parametrize(
    ("given", "names", "values"),
    [
        ("[de, fr]", ["lapsed.de", "lapsed.fr"], ["de", "fr"]),
        ("{de: 49, fr: 33}", ["lapsed.de", "lapsed.fr"], ["49", "33"]),
        ("'{{ values.countries }}'", ["lapsed.de", "lapsed.fr"], ["de", "fr"]),
        ("[1, 2]", ["lapsed.1", "lapsed.2"], ["1", "2"]),
    ],
)
def test_for_each(given, names, values, tmp_path):
    """A resource is repeated over a map or a list, under names with its keys."""
    loaded = project(
        tmp_path,
        {
            "bindings.yaml": "",
            "audiences.yaml": f"audiences:\n  lapsed:\n    for_each: {given}\n    source: shop\n    query: SELECT 1\n"
            "    profile_key: a\n    identifiers: {email: email}\n    description: '{{ each.value }} {{ each.key }}'\n",
        },
    )

    assert names == [*loaded.audiences]
    assert values == [str(audience.description).split()[0] for audience in loaded.audiences.values()]


def test_for_each_over_nothing(tmp_path):
    """An empty list is no resource, and no mistake."""
    files = {"more.yaml": "sources:\n  none:\n    for_each: []\n    type: duckdb\n    settings: {}\n"}

    assert ["shop"] == [*project(tmp_path, files).sources]


def test_a_repeated_resource_is_named_with_its_key(tmp_path):
    """A reference to a repetition holds its key, and may be repeated itself."""
    loaded = project(
        tmp_path,
        {
            "audiences.yaml": "audiences:\n  lapsed:\n    for_each: [de, fr]\n    source: shop\n    query: SELECT 1\n"
            "    profile_key: a\n    identifiers: {email: email}\n",
            "bindings.yaml": "bindings:\n  on_ads:\n    for_each: [de, fr]\n    audience: 'lapsed.{{ each.key }}'\n"
            "    connector: ads_eu\n    destination: {name: x}\n    on_delete: keep\n",
        },
    )

    assert ["lapsed.de", "lapsed.fr"] == [binding.audience for binding in loaded.bindings.values()]


def test_overrides_are_merged(tmp_path):
    """An override says only what differs, map by map; a credential is replaced as a whole."""
    environment = (BASE / "environments" / "test.yaml").read_text(encoding="utf-8")
    overrides = (
        "overrides:\n  connectors:\n    ads_eu:\n      enabled: false\n      settings: {api_version: v26.0}\n"
        "      credentials: {access_token: {from_file: token}, other: {from_env: OTHER}}\n"
        "  bindings:\n    lapsed_on_ads: {description: '{{ values.days }} days', guards: {min_members: 5}}\n"
    )
    loaded = project(tmp_path, {"environments/test.yaml": environment + overrides})
    connector, binding = loaded.connectors["ads_eu"], loaded.bindings["lapsed_on_ads"]

    assert {"ad_account_id": "1234567890", "api_version": "v26.0"} == connector.settings
    assert {
        "access_token": FromFile(from_file="token"),
        "other": FromEnv(from_env="OTHER"),
    } == connector.credentials
    assert (False, "90 days", 5) == (connector.enabled, binding.description, binding.guards.min_members)


def test_query_files(tmp_path):
    """SQL in a file is read beside the YAML that names it, and rendered."""
    audience = "audiences:\n  lapsed:\n    source: shop\n    query: {file: lapsed.sql}\n    profile_key: a\n    identifiers: {email: e}\n"
    files = {
        "audiences.yaml": "",
        "teams/crm/a.yaml": audience,
        "teams/crm/lapsed.sql": "SELECT a, e FROM customers WHERE days > {{ values.days }}\n",
    }
    loaded = project(tmp_path, files)

    assert "SELECT a, e FROM customers WHERE days > 90\n" == loaded.audiences["lapsed"].query
    assert frozenset({"teams/crm/lapsed.sql"}) == loaded.query_files


def test_an_override_names_its_own_query_file(tmp_path):
    """A path starts from the file that names it, also when that is an environment's."""
    environment = (BASE / "environments" / "test.yaml").read_text(encoding="utf-8")
    files = {
        "environments/test.yaml": f"{environment}overrides: {{audiences: {{lapsed: {{query: {{file: test.sql}}}}}}}}\n",
        "environments/test.sql": "SELECT 2",
    }

    assert "SELECT 2" == project(tmp_path, files).audiences["lapsed"].query


def test_digests_change_with_what_is_said(tmp_path):
    """A digest covers the rendered body and its SQL, and no other resource."""
    address, other = Address(Kind.AUDIENCE, "lapsed"), Address(Kind.BINDING, "lapsed_on_ads")
    before = project(tmp_path / "a")
    same = project(tmp_path / "b")
    text = (
        (BASE / "audiences.yaml")
        .read_text(encoding="utf-8")
        .replace("FROM customers", "FROM customers LIMIT 1")
    )
    after = project(tmp_path / "c", {"audiences.yaml": text})

    assert dict(before.digests) == dict(same.digests)
    assert 4 == len(before.digests)
    assert before.digests[address] != after.digests[address]
    assert before.digests[other] == after.digests[other]


def test_what_is_remembered_is_what_is_read(tmp_path):
    """A second load, from what the first left, gives an equal project; a broken cache gives it too."""
    first = project(tmp_path / "project")
    again, _ = load(tmp_path / "project", None)
    for file in Path(tmp_path.parent).rglob("*.project.json"):
        file.write_text("{", encoding="utf-8")
    broken, problems = load(tmp_path / "project", None)

    assert first == again
    assert first == broken
    assert 0 == len(problems)


@pytest.mark.parametrize("environments", [[], ["staging"]])
def test_the_only_environment_needs_no_name(environments, tmp_path):
    """A project with one environment or none has nothing to choose."""
    (tmp_path / "audiform.yaml").write_text("project: small\n", encoding="utf-8")
    for name in environments:
        (tmp_path / "environments").mkdir()
        (tmp_path / "environments" / f"{name}.yaml").write_text("values: {}\n", encoding="utf-8")
    loaded, _ = load(tmp_path, None)

    assert loaded is not None
    assert (environments or ["default"])[0] == loaded.environment.name


def test_every_pattern_has_its_words():
    """A field with a pattern is explained in words, and not by the pattern."""
    from audiform.config.kinds import EnvironmentFile, ProjectFile, ProjectTest
    from audiform.config.load import _MODELS
    from audiform.config.models import Model

    patterns: set[str] = set()

    def collect(node: object) -> None:
        if isinstance(node, dict):
            patterns.update(
                value for key, value in node.items() if key == "pattern" and isinstance(value, str)
            )
            patterns.update(node.get("patternProperties", ()))
            for value in node.values():
                collect(value)
        elif isinstance(node, list):
            for value in node:
                collect(value)

    own = (EnvironmentFile, ProjectFile, ProjectTest)
    models: list[type[Model]] = [*_MODELS.values(), *SOURCE_SETTINGS.values(), *own]
    for model in models:
        collect(model.model_json_schema())

    assert set(FORMS) == patterns
