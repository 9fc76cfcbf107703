"""The page of the benchmarks, made of the results that are committed: `docs/benchmarks.md` and its charts.

`docs/generate.py` writes it with the other pages, and the same test finds it out of date. It says what stands in
`benchmarks/results/*.json` and nothing else: a figure comes into it by a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby

from charts import better, chart, in_words, shown
from results import FOLDER, Budget, Figure, Result, from_json

ORDER = ("peers", "sync", "scale", "postgresql", "bindings", "config", "events")
"""What most ask for first; others follow by name."""
HEAD = """\
<!-- Made by benchmarks/page.py from benchmarks/results/*.json; change neither by hand. -->
# Benchmarks

How fast Audiform is, how much memory it takes, and how that compares with other tools that do the same job on the same machine
in the same run. A ratio within one run says more than a figure: it holds on a machine that is slower, or busy.

From a fresh clone, each with one command ([how](../benchmarks/README.md)):

```console
$ make bench-peers      # beside dlt, drt and a script of pandas and requests
$ make bench-sync       # a first sync and a later one, beside the bare limit
$ make bench-scale      # 1, 10 and 100 million people
$ make bench-postgresql # 50 audiences over 5 million customers in PostgreSQL
$ make bench-bindings   # ten bindings on one audience, beside one
$ make bench-config     # validate and plan, beside Terraform
$ make bench-events     # events in and out, beside bare servers
$ make bench            # all of them, and this page
```

A *budget* is a limit that we hold ourselves to; a run that misses one ends with an error. What is missed stands here as missed.
"""


def results() -> list[Result]:
    """Return what is committed, in the order of the page."""
    found = [from_json(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))]
    known = {name: number for number, name in enumerate(ORDER)}
    return sorted(found, key=lambda one: (known.get(one.benchmark, len(known)), one.benchmark))


def pages(found: Sequence[Result]) -> Mapping[str, Callable[[], str]]:
    """Return the page and its charts, by file below `docs/`."""
    charts = {
        f"benchmarks/{_file(result, number)}": partial(chart, figures)
        for result in found
        for number, figures in enumerate(measures(result), 1)
        if len(figures) > 1
    }
    return {"benchmarks.md": partial(page, found), **charts}


def measures(result: Result) -> list[list[Figure]]:
    """Return the figures that stand side by side, in the order in which the benchmark gives them."""
    order = list(dict.fromkeys(figure.measure for figure in result.figures))
    by_measure = sorted(result.figures, key=lambda figure: order.index(figure.measure))
    return [list(figures) for _, figures in groupby(by_measure, key=lambda figure: figure.measure)]


def page(found: Sequence[Result]) -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *_summary(found), *(line for result in found for line in _section(result))])


def _summary(found: Sequence[Result]) -> Iterator[str]:
    judged = [(result, budget) for result in found for budget in result.budgets]
    missed = [(result, budget) for result, budget in judged if not budget.holds]
    held = len(judged) - len(missed)
    yield f"Of {len(judged)} budgets {held} are held{', and these are missed:' if missed else '.'}\n"
    for result, budget in missed:
        name = f"{budget.name} ({budget.peer})" if budget.peer else budget.name
        yield f"- [{result.title}](#{_anchor(result.title)}): {name}: {_seen(budget)}, {_limit(budget)}"
    if missed:
        yield ""


def _section(result: Result) -> Iterator[str]:
    yield f"## {result.title}\n"
    yield f"{result.about}\n"
    yield f"{_where(result)}\n"
    for number, figures in enumerate(measures(result), 1):
        yield from _measure(result, number, figures)
    if result.budgets:
        yield "| budget | compared with | limit | seen | |"
        yield "| --- | --- | --- | --- | --- |"
        for budget in result.budgets:
            held = "held" if budget.holds else "**missed**"
            yield f"| {budget.name} | {budget.peer or '—'} | {_limit(budget)} | {_seen(budget)} | {held} |"
        yield ""
    yield from (f"- {note.replace(chr(10), chr(10) + '  ')}" for note in result.notes)
    if result.notes:
        yield ""


def _where(result: Result) -> str:
    machine = result.here.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    day, _, time = result.here.at.partition("T")
    return (
        f"*{day}, {time[:5]} UTC, by `make bench-{result.benchmark}` on {machine.cores} cores of {machine.cpu} with "
        f"{machine.memory_gigabytes:g} GB ({machine.system}), load {machine.load:g} before it began. "
        f"Python {machine.python}, {versions}.*"
    )


def _measure(result: Result, number: int, figures: Sequence[Figure]) -> Iterator[str]:
    unit = figures[0].unit
    if len(figures) > 1:
        words = in_words(figures).replace("[", "(").replace("]", ")")
        yield f"![{figures[0].measure}. {words}](benchmarks/{_file(result, number)})\n"
    yield f"| {figures[0].measure} | {unit}, {better(unit)} |"
    yield "| --- | ---: |"
    yield from (f"| {figure.subject} | {shown(figure.value)} |" for figure in figures)
    yield ""


def _file(result: Result, number: int) -> str:
    return f"{result.benchmark}-{number}.svg"


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _seen(budget: Budget) -> str:
    return f"{shown(budget.seen)} {budget.unit}"


def _limit(budget: Budget) -> str:
    limits = (("at most", budget.at_most), ("at least", budget.at_least))
    return ", ".join(f"{word} {shown(value)} {budget.unit}" for word, value in limits if value is not None)


PAGES = pages(results())
