"""What the benchmarks found is told as it is: read back, judged, and shown in words as well as in bars."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SCRIPTS = CHECKOUT / "benchmarks"

sys.path.append(str(SCRIPTS))
charts, page, peers, results = (import_module(name) for name in ("charts", "page", "peers", "results"))
sys.path.remove(str(SCRIPTS))

PLACE = results.Place(
    "2026-11-25T03:00:00+00:00",
    results.Machine("CPU <1>", 2, 23.5, "Linux 6", "3.11.7", 0.1, {"audiform": "0.1.0"}),
)


def found(*budgets):
    """A result with one measure of two subjects."""
    figures = [
        results.Figure("First sync", "Audiform", 1_234_567.8, "people/s"),
        results.Figure("First sync", "bare & limit", 0.012345, "people/s"),
    ]
    return results.Result("sync", "Sync", "The job.", figures, budgets, PLACE, notes=["A note\nof two lines"])


def test_a_result_reads_as_it_was_written():
    """What is committed says the same when it is read: figures with four digits, budgets with whether they hold."""
    text = results.to_json(
        found(
            results.Budget("time", 1.501, at_most=1.5, peer="the limit"),
            results.Budget("cost", 1.50001, at_most=1.5),
        )
    )

    assert text == results.to_json(results.from_json(text))
    assert '"value": 1235000,' in text
    assert ["1.501", "1.5"] == re.findall('"seen": (.*),', text)
    assert ["false", "true"] == re.findall('"holds": (.*)', text)


@pytest.mark.parametrize(
    ("seen", "report", "code"),
    [(1.0, False, 0), (1.1, False, 1), (1.1, True, 0)],
    ids=["held", "missed", "told"],
)
def test_a_missed_budget_fails_the_run(seen, report, code, tmp_path, capsys):
    """A benchmark fails when a budget is missed, unless it is only to report; the result is written in any case."""
    file = tmp_path / "results" / "sync.json"

    given = results.finish(
        found(results.Budget("time", seen, at_most=1.0)), Namespace(json=file, report=report)
    )

    assert code == given
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")


def test_what_is_missed_stands_at_the_top():
    """The page says how many budgets hold, and names those that do not with what was seen."""
    text = page.page(
        [found(results.Budget("time", 2, at_most=1.5, peer="drt"), results.Budget("speed", 12, at_least=10))]
    )

    assert (
        "Of 2 budgets 1 are held, and these are missed:\n\n- [Sync](#sync): time (drt): 2 times, at most 1.5 times\n"
        in text
    )
    assert "| time | drt | at most 1.5 times | 2 times | **missed** |" in text
    assert "| speed | — | at least 10 times | 12 times | held |" in text
    assert "- A note\n  of two lines\n" in text


def test_a_chart_says_its_values_in_words():
    """Who sees no bars reads the same from the title and the description; names are escaped."""
    drawn = ET.fromstring(charts.chart(found().figures))  # noqa: S314 - ours

    values = "Audiform: 1,234,568 people/s; bare & limit: 0.0123 people/s"
    told = {part.attrib.get("id"): part.text for part in drawn}
    assert "First sync" == told["title"]
    assert values == told["values"]
    assert f"![First sync. {values}](benchmarks/sync-1.svg)" in page.page([found()])


def test_each_benchmark_has_a_target():
    """Each script that gives a result is run by `make bench`, and by a target of its own that the page names."""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    scripts = {
        file.stem
        for file in SCRIPTS.glob("*.py")
        if re.search(r"^from results import .*\bfinish\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    }

    targets = set(re.findall(r"^BENCHMARKS := (.*)$", makefile, re.MULTILINE)[0].split())

    assert {f"bench-{name}" for name in scripts} == targets
    assert targets | {"bench"} == set(re.findall(r"^\$ make (bench\S*)", page.HEAD, re.MULTILINE))


@pytest.mark.parametrize(
    ("requests", "problem"),
    [
        ([["a", "b"]], "2 people were sent, 2 of 3"),
        ([["a", "b"], ["c", "c"]], "4 people were sent, 3 of 3"),
        ([["a"], ["b"], ["c"]], "3 requests of at most 1 people"),
    ],
    ids=["somebody is missing", "somebody is sent twice", "one by one"],
)
def test_who_does_another_job_is_not_measured(requests, problem):
    """A tool that leaves somebody out, sends somebody twice or batches otherwise stops the benchmark."""
    with pytest.raises(RuntimeError, match=problem):
        peers.compare("tool", {"a", "b", "c"}, requests)
