"""Dagster assets of bindings: what a destination holds, brought up to date after the tables that it is made of."""

# No `from __future__ import annotations` here: Dagster looks at the type of `context` itself.
import os
from collections.abc import Sequence

import dagster as dg
from audiform_sync import Sync, Verdict

PROJECT = os.environ.get("AUDIFORM_PROJECT", "/srv/audiform/shop")


def binding_asset(
    project: str,
    binding: str,
    *,
    environment: str | None = None,
    deps: Sequence[str] = (),
    program: Sequence[str] = ("audiform",),
) -> dg.AssetsDefinition:
    """Return the asset of one binding; `deps` are the assets of the tables that its audience reads.

    A stop by a guard fails the run without a retry: a person has to look. Everything else is tried again, a locked state included.
    """

    @dg.asset(
        name=binding,
        deps=list(deps),
        group_name="audiform",
        kinds={"audiform"},
        pool="audiform",  # one at a time: the state has one lock (`dagster instance concurrency set audiform 1`)
        retry_policy=dg.RetryPolicy(max_retries=5, delay=60, backoff=dg.Backoff.EXPONENTIAL),
    )
    def destination(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        sync = Sync(project, environment, [binding], program)
        context.log.info(" ".join(sync.command))
        try:
            result = sync.run()
        finally:
            sync.stop()
        if result.verdict is not Verdict.DONE:
            raise dg.Failure(
                description=result.text,
                metadata={"exit code": result.code, "verdict": result.verdict.value},
                allow_retries=result.verdict is not Verdict.PERSON,
            )
        sent = result.people[binding]
        return dg.MaterializeResult(
            metadata={
                **sent["sent"],
                "rejected": sent["rejected"],
                "left out": sum(sent["left_out"].values()),
            }
        )

    return destination


@dg.asset(group_name="warehouse")
def customers() -> None:
    """Stand for whatever fills the warehouse."""


inactive_on_ads = binding_asset(PROJECT, "inactive_on_ads", deps=["customers"])

defs = dg.Definitions(
    assets=[customers, inactive_on_ads],
    schedules=[
        dg.ScheduleDefinition(
            name="audiform_daily",
            target=dg.AssetSelection.all(),
            cron_schedule="0 6 * * *",
            execution_timezone="Europe/Berlin",
        )
    ],
)
