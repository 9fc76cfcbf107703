"""What an audience's query may be given as: SQL, a file with SQL, or a model that dbt builds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from audiform.config.models import Model, is_text
from audiform.shapes import is_map


class QueryFile(Model):
    """SQL kept in a file beside the YAML; templated like everything else."""

    file: str


class DbtModel(Model):
    """A model of a dbt project instead of SQL: everything in it, where dbt built it."""

    dbt_model: str = Field(
        min_length=1,
        description="Its name, with its schema, its folders or its package before it where the name alone is not enough",
        examples=["marts.lapsed_buyers"],
    )
    manifest: str | None = Field(
        default=None, description="The dbt project's `manifest.json` (default: that of the source)"
    )


def _kind_of_query(value: Any) -> str:
    """Return what a query is given as; a misspelled `dbt_model` is one too."""
    if isinstance(value, DbtModel) or (is_map(value) and any(str(key).startswith("dbt") for key in value)):
        return "<dbt_model>"
    return is_text(value)


Query = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[QueryFile, Tag("<other>")]
    | Annotated[DbtModel, Tag("<dbt_model>")],
    Discriminator(_kind_of_query),
]
"""The `query` of an audience."""
