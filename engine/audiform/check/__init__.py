"""Holds a project against the connector types that it uses: what `validate` finds beyond the files. Pure.

No network and no state. What is the same for all bindings of a connector is worked out once, so that a
binding costs microseconds; a problem is explained only where one was found.
"""

from __future__ import annotations

from audiform.check.bindings import check_bindings
from audiform.check.connectors import check_connector
from audiform.check.events import check_events
from audiform.check.facts import Facts
from audiform.check.guards import check_guards
from audiform.check.pins import check_pins
from audiform.check.schedules import check_schedules
from audiform.check.sources import check_sources
from audiform.check.types import Types
from audiform.check.watermarks import check_watermarks
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import Diagnostic
from audiform.policies.declared import check_policies


def check(project: Project, catalog: Catalog) -> tuple[Diagnostic, ...]:
    """Return everything that the project asks of a connector type and cannot have: all problems at once.

    Each has an address and a path (`config.places.place_all` makes them places), except those of a manifest,
    which have their place. What depends on something broken is not reported on top of it.
    """
    types = Types(catalog)
    facts: dict[str, Facts] = {}
    problems: list[Diagnostic] = []
    for name, connector in project.connectors.items():
        known, found = check_connector(name, connector, types, project.policy)
        problems += found
        if known is not None:
            facts[name] = known
    problems += check_sources(project)
    problems += check_watermarks(project)
    problems += check_bindings(project, facts)
    problems += check_events(project, types)
    problems += check_guards(project)
    problems += check_schedules(project)
    problems += check_pins(project, types)
    problems += check_policies(project)
    return tuple(problems)
