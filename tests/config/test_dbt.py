"""Audiences that are a dbt model: by which names it is found, what is said where it is not, and how old it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from audiform.config.dbt import BuiltModel
from audiform.config.load import load
from audiform.config.project import Project
from audiform.diagnostics import Diagnostic

WRITTEN = Path(__file__).parent / "dbt"
BUILT_AT = 1795575224.429443
"""When dbt ended building `lapsed_buyers`, as its results say."""
GENERATED_AT = 1795575223.044935


def loaded(root: Path, query: Any, **source: Any) -> tuple[Project | None, list[Diagnostic]]:
    """Return a project with one audience that is `query`, beside what dbt wrote, and what is wrong with it."""
    (root / "target").mkdir(exist_ok=True)
    for file in WRITTEN.glob("*.json"):
        if not (root / "target" / file.name).exists():
            shutil.copy(file, root / "target" / file.name)
    settings = {"database": "shop.duckdb", "manifest": "target/manifest.json"}
    audience = {
        "source": "shop",
        "query": query,
        "profile_key": "customer_id",
        "identifiers": {"email": "email"},
    }
    made = {
        "sources": {"shop": {"type": "duckdb", "settings": settings} | source},
        "audiences": {"buyers": audience},
    }
    (root / "audiform.yaml").write_text("project: shop\n", encoding="utf-8")
    (root / "shop.yaml").write_text(json.dumps(made), encoding="utf-8")
    project, problems = load(root)
    return project, [*problems]


def model(root: Path, name: str) -> BuiltModel:
    """Return where dbt built a model."""
    project, problems = loaded(root, {"dbt_model": name})
    assert [] == problems
    assert project is not None
    assert project.audiences["buyers"].query == project.built["buyers"].sql
    return project.built["buyers"]


def said(root: Path, query: Any, **source: Any) -> list[tuple[str, str, str | None]]:
    """Return what is wrong with an audience: code, detail and hint; each has its place."""
    project, problems = loaded(root, query, **source)
    assert project is None
    assert all(item.location for item in problems)
    return [(item.code, item.detail, item.hint) for item in problems]


@pytest.mark.parametrize(
    ("name", "relation"),
    [
        ("lapsed_buyers", '"shop"."main_marts"."lapsed_buyers"'),
        ("shop.lapsed_buyers", '"shop"."main_marts"."lapsed_buyers"'),
        ("marts.lapsed_buyers", '"shop"."main_marts"."lapsed_buyers"'),
        ("shop.marts.lapsed_buyers", '"shop"."main_marts"."lapsed_buyers"'),
        ("main_marts.lapsed_buyers", '"shop"."main_marts"."lapsed_buyers"'),
        ("model.shop.lapsed_buyers", '"shop"."main_marts"."lapsed_buyers"'),
        ("big_spenders", '"shop"."main_marts"."spenders"'),
        ("customers", '"shop"."main"."customers"'),
        ("loyal", '"shop"."main_marts"."loyal_v2"'),
        ("marts.loyal.v1", '"shop"."main_marts"."loyal_v1"'),
        ("crm.leads", '"shop"."main_crm"."leads"'),
    ],
)
def test_a_model_is_found_by_the_names_that_dbt_has_for_it(tmp_path, name, relation):
    """Its name alone, or after package, schema or folders; the newest version; under its alias; a seed too."""
    assert relation == model(tmp_path, name).relation


def test_what_cannot_be_read_is_said_with_the_reason(tmp_path):
    """No such model, several, one that is not built or disabled, and no manifest are each said at the query."""
    (tmp_path / "none.json").write_text("[]", encoding="utf-8")
    found = [
        said(tmp_path, query)[0]
        for query in (
            {"dbt_model": "lapsed_buyer"},
            {"dbt_model": "archive.lapsed_buyers"},
            {"dbt_model": "leads"},
            {"dbt_model": "stg_customers"},
            {"dbt_model": "marts.old_buyers"},
            {"dbt_model": "leads", "manifest": "none.json"},
            {"dbt_model": "leads", "manifest": "dbt/manifest.json"},
            {"dbt_model": "leads", "manifest": "../manifest.json"},
            {"dbt_modell": "leads"},
        )
    ]

    assert [
        (
            "unknown-dbt-model",
            "`target/manifest.json` has no model `lapsed_buyer`. It has `big_spenders`, `contacts`, `customers`, `lapsed_buyers`, `leads`, `loyal.v1`, `loyal.v2`, `stg_customers`.",
            'did you mean "lapsed_buyers"?',
        ),
        (
            "ambiguous-dbt-model",
            "`leads` can be each of `crm.leads`, `shop.leads` in `target/manifest.json`, and which one is meant must not be guessed.",
            "write its package, schema or folders before it",
        ),
        (
            "dbt-model-not-built",
            "The dbt model `shop.stg_customers` (models/staging/stg_customers.sql) is materialised as `ephemeral`: dbt puts it as a part into the models that use it, and builds nothing of its own.",
            "materialise it as a table or a view, and run `dbt build`",
        ),
        (
            "dbt-model-not-built",
            "The dbt model `shop.old_buyers` (models/marts/old_buyers.sql) is disabled (`enabled: false`), so dbt does not build it.",
            "enable it in the dbt project, and run `dbt build`",
        ),
    ] == [found[0], *found[2:5]]
    assert ("unknown-dbt-model", 'did you mean "marts.lapsed_buyers"?') == found[1][::2]
    assert ["dbt-manifest", "missing-file", "path-outside-project", "unknown-field"] == [
        code for code, *_ in found[5:]
    ]
    assert 'did you mean "dbt_model"?' == found[8][2]


def test_a_model_is_sought_where_its_project_builds(tmp_path):
    """Files hold no model, another kind of database neither; a source of one that names no manifest is said."""
    here = {"dbt_model": "lapsed_buyers"}
    url = {"url": "postgresql://127.0.0.1/shop"}
    manifest = {"manifest": "target/manifest.json"}
    found = [
        said(tmp_path, here, settings={"tables": {"a": "a.csv"}})[0][0],
        said(tmp_path, here, type="postgresql", settings=url | manifest)[0][0],
        said(tmp_path, here, settings={"database": "shop.duckdb"})[0][0],
        said(tmp_path, here, type="delta", settings={"tables": {"a": "a"}})[0][0],
    ]

    assert ["dbt-model-elsewhere", "dbt-model-elsewhere", "dbt-manifest", "dbt-model-elsewhere"] == found


def test_a_model_is_as_old_as_its_last_build(tmp_path):
    """Without results, as the manifest; nobody knows where dbt did something else last, or where it failed."""
    results = json.loads((WRITTEN / "run_results.json").read_text(encoding="utf-8"))
    times = [model(tmp_path, "lapsed_buyers").refreshed]
    file = tmp_path / "target" / "run_results.json"
    failed = [
        item | ({"status": "error"} if item["unique_id"] == "model.shop.lapsed_buyers" else {})
        for item in results["results"]
    ]
    others: list[dict[str, Any]] = [{"results": failed}, {"args": {"which": "test"}}, {"results": []}]
    for other in others:
        file.write_text(json.dumps(results | other), encoding="utf-8")
        times.append(model(tmp_path, "lapsed_buyers").refreshed)
    file.write_text("no JSON", encoding="utf-8")
    assert "dbt-manifest" == said(tmp_path, {"dbt_model": "lapsed_buyers"})[0][0]
    (tmp_path / "target" / "manifest.json").replace(tmp_path / "manifest.json")
    project, _ = loaded(tmp_path, {"dbt_model": "lapsed_buyers", "manifest": "manifest.json"})
    assert project is not None
    times.append(project.built["buyers"].refreshed)

    assert [BUILT_AT, 0.0, 0.0, 0.0, GENERATED_AT] == times


def test_a_manifest_puts_nothing_but_names_into_the_statement(tmp_path):
    """What stands where a table's name should is no name, so nothing is read."""
    manifest = json.loads((WRITTEN / "manifest.json").read_text(encoding="utf-8"))
    manifest["nodes"]["model.shop.lapsed_buyers"]["relation_name"] = '"shop"."a"; DROP TABLE customers'
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    assert "dbt-model-not-built" == said(tmp_path, {"dbt_model": "lapsed_buyers"})[0][0]
