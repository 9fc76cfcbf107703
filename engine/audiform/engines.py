"""Which engine a project's people are read, compared and sent by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audiform.config.project import Project
from audiform.delivery.hands import Hands, OwnHands
from audiform.delivery.readings import Opened
from audiform.lazily import load


def hands_of(project: Project, binding: str, opened: Opened) -> Hands:
    """Return the hands that the project's `engine` gives to a binding."""
    return _ENGINES[project.engine.type](project, binding, opened)


def _own(_: Project, __: str, opened: Opened) -> Hands:
    return OwnHands(opened.session, opened)


def _spark(project: Project, binding: str, opened: Opened) -> Hands:
    make: Callable[[Project, str, Opened], Hands] = load("audiform.spark.engine:hands_of")
    return make(project, binding, opened)


_ENGINES: Mapping[str, Callable[[Project, str, Opened], Hands]] = {"embedded": _own, "spark": _spark}
