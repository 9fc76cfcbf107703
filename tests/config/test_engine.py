"""`engine` in audiform.yaml and in environments."""

from __future__ import annotations

from audiform.config.load import load

PROJECT = """project: shop
engine:
  type: spark
  master: spark://master.example.com:7077
  settings: {spark.executor.instances: 4, spark.authenticate: true}
"""


def test_an_environment_has_its_own_engine(tmp_path):
    """The project's engine holds where an environment says none; properties are texts as Spark has them."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "audiform.yaml").write_text(PROJECT)
    (tmp_path / "environments" / "laptop.yaml").write_text("engine: {type: embedded}\n")
    (tmp_path / "environments" / "production.yaml").write_text("values: {}\n")

    laptop, _ = load(tmp_path, "laptop")
    production, problems = load(tmp_path, "production")

    assert laptop is not None
    assert production is not None
    assert [] == list(problems)
    assert not laptop.engine.distributed
    assert {"spark.executor.instances": "4", "spark.authenticate": "true"} == production.engine.settings


def test_properties_that_are_not_for_a_project(tmp_path):
    """A secret in clear, what is no property, and what could send people twice: each is said with its line."""
    (tmp_path / "audiform.yaml").write_text(
        "project: shop\nengine:\n  type: spark\n  settings:\n    spark.authenticate.secret: abc\n"
        "    executor.memory: 8g\n    spark.speculation: true\n"
    )

    _, problems = load(tmp_path, None)

    assert [("secret-in-clear", 5), ("invalid-value", 6), ("invalid-value", 7)] == [
        (item.code, item.location and item.location.line) for item in problems
    ]
    assert all("abc" not in str(item.location) + item.detail for item in problems)
