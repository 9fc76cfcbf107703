"""A DAG: what people bought is loaded, then their audiences are brought up to date, two platforms one after the other."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from audiform_operator import AudiformSyncOperator

PROJECT = os.environ.get("AUDIFORM_PROJECT", "/srv/audiform/shop")


@dag(
    schedule="0 6 * * *",
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    catchup=False,  # a sync sends what is true now: made-up days of the past would all send the same
    max_active_runs=1,
    default_args={"retries": 5, "retry_delay": timedelta(minutes=2), "retry_exponential_backoff": True},
)
def audiform_shop() -> None:
    """Load, then sync."""

    @task
    def load_orders() -> None:
        """Stand for whatever fills the warehouse."""

    ads = AudiformSyncOperator(task_id="sync_ads", project=PROJECT, bindings=["inactive_on_ads"])
    rest = AudiformSyncOperator(task_id="sync_all", project=PROJECT)
    load_orders() >> ads >> rest


audiform_shop()
