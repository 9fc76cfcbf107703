"""An Airflow operator that syncs bindings. Copy it, with `audiform_sync.py`, into the folder of your DAGs or of your plugins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from audiform_sync import Sync, Verdict


class AudiformSyncOperator(BaseOperator):
    """Sync bindings of a project; the task's XCom holds the number of people that each was sent.

    A stop by a guard fails the task without a retry: a person has to look. Everything else is tried again as `retries` says, a state
    that is locked included.
    """

    template_fields: Sequence[str] = ("project", "audiform_environment", "bindings")

    def __init__(
        self,
        *,
        project: str,
        audiform_environment: str | None = None,
        bindings: Sequence[str] = (),
        program: Sequence[str] = ("audiform",),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.audiform_environment = audiform_environment
        self.bindings = bindings
        self.program = program
        self._sync: Sync | None = None

    def execute(self, context: Any) -> Mapping[str, Any]:
        """Run the sync; return what was sent."""
        self._sync = Sync(self.project, self.audiform_environment, self.bindings, self.program)
        self.log.info("Running %s", " ".join(self._sync.command))
        result = self._sync.run()
        match result.verdict:
            case Verdict.DONE:
                return dict(result.people)
            case Verdict.PERSON:
                raise AirflowFailException(result.text)
            case Verdict.LATER:
                raise AirflowException(
                    f"another run has the lock of the state; tried again later. {result.text}"
                )
            case Verdict.AGAIN:
                raise AirflowException(result.text)

    def on_kill(self) -> None:
        """End the sync in order when the task is cleared or times out."""
        if self._sync is not None:
            self._sync.stop()
