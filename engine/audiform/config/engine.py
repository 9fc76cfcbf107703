"""Where an environment's people are read, compared and sent: in this process, or on a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from audiform.config.models import Model
from audiform.diagnostics import Diagnostic

_SECRET: Final = re.compile(r"secret|password|passwd|token|access\.?key|credential", re.IGNORECASE)
"""What Spark itself takes for a secret in the name of a property, and does not show."""
_OURS: Final = ("spark.speculation", "spark.submit.deployMode", "spark.master", "spark.remote")
"""Properties that decide whether somebody can be sent twice, or that have a field of their own."""


def _as_text(value: Any) -> Any:
    """Return a number or a boolean as Spark writes it; anything else is judged as it is."""
    return str(value).lower() if isinstance(value, bool | int | float) else value


Property = Annotated[
    str,
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["string", "integer", "number", "boolean"]}),
]


class Engine(Model):
    """What does the work. `embedded`: DuckDB in this process. `spark`: executors of a cluster, with the same results."""

    type: Literal["embedded", "spark"] = "embedded"
    master: str | None = Field(
        default=None,
        description="Of `spark`: the cluster (default: what spark-submit or spark-defaults.conf says, or this machine)",
        examples=[
            "spark://master.example.com:7077",
            "k8s://https://api.example.com:6443",
            "yarn",
            "local[4]",
        ],
    )
    settings: dict[str, Property] = Field(
        default_factory=dict,
        description="Of `spark`: its properties, such as spark.executor.memory; never a secret",
        examples=[{"spark.executor.instances": 4, "spark.executor.memory": "8g"}],
    )

    @property
    def distributed(self) -> bool:
        """Whether the work is done by executors."""
        return self.type == "spark"


def engine_problems(engine: Engine) -> Iterator[Diagnostic]:
    """Yield what is wrong with the properties: a secret in clear, no property, or one that is not for a project to set."""
    for key in engine.settings:
        place = ("engine", "settings", key)
        if _SECRET.search(key):
            detail = (
                f"`{key}` is a secret by its name, and what stands here is in a file that many can read. Give it to Spark where it "
                "keeps its own: spark-defaults.conf on the machine that runs Audiform, for its owner only."
            )
            yield Diagnostic("secret-in-clear", detail, path=place)
        elif not key.startswith("spark."):
            yield Diagnostic(
                "invalid-value", f"`{key}` is no property of Spark: all begin with `spark.`.", path=place
            )
        elif key in _OURS:
            detail = (
                f"`{key}` cannot be set here: `master` is a field of `engine`, the driver is the process that runs `audiform`, and a "
                "task that runs twice at once would send people twice."
            )
            yield Diagnostic("invalid-value", detail, path=place)
