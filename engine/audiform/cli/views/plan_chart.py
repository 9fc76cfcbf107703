"""Who enters and leaves each destination, as bars to the right and to the left of one line. SVG, without a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from audiform.plan.guard import people
from audiform.plan.plan import Change, Figure, Impact

SHOWN = 40
"""Bars that a reader can compare; the table holds them all."""
_ROW, _NAME, _HALF, _FIGURES = 26, 220, 200, 110


def chart(rows: Sequence[tuple[Change, Impact]]) -> str:
    """Return the chart of the bindings that move most people, with a sentence where there are more."""
    ranked = sorted(
        rows, key=lambda row: -max(_known(row[1].adds), _known(row[1].removes), _known(row[1].modifies))
    )
    shown = ranked[:SHOWN]
    most = max((max(_known(impact.adds), _known(impact.removes)) for _, impact in shown), default=0) or 1
    middle = _NAME + _FIGURES + _HALF
    width, height = middle + _HALF + _FIGURES, len(shown) * _ROW + 10
    bars = "".join(
        part
        for number, (change, impact) in enumerate(shown)
        for part in _bars(change, impact, number * _ROW + 5, most)
    )
    left = len(rows) - len(shown)
    more = (
        f'<p class="small">The chart shows the {SHOWN} that move most; {left:,} more are in the table.</p>'
        if left
        else ""
    )
    return (
        f'<div class="wide"><svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="People who leave (left) and enter (right) each destination">'
        f'<line class="axis" x1="{middle}" x2="{middle}" y1="0" y2="{height}"/>{bars}</svg></div>{more}'
    )


def _bars(change: Change, impact: Impact, top: int, most: int) -> Iterator[str]:
    middle, base = _NAME + _FIGURES + _HALF, top + 15
    name = change.address.name
    short = name if len(name) <= 30 else f"{name[:29]}…"  # noqa: PLR2004 - what the column holds
    yield f'<g><title>{escape(f"{name}: {_said(impact)}")}</title><text x="0" y="{base}">{escape(short)}</text>'
    gone, come = (_HALF * _known(figure) / most for figure in (impact.removes, impact.adds))
    yield f'<rect class="out" x="{middle - gone:.1f}" y="{top + 2}" width="{gone:.1f}" height="18"/>'
    yield f'<rect class="in" x="{middle}" y="{top + 2}" width="{come:.1f}" height="18"/>'
    yield f'<text class="end" x="{middle - gone - 6:.1f}" y="{base}">{_short(impact.removes, "-")}</text>'
    yield f'<text x="{middle + come + 6:.1f}" y="{base}">{_short(impact.adds, "+")}</text></g>'


def _known(figure: Figure) -> int:
    return 0 if figure.quality == "unknown" else figure.value


def _short(figure: Figure, sign: str) -> str:
    if figure.quality == "unknown":
        return "unknown"
    about = "≈" if figure.quality == "estimated" else ""
    return f"{about}{sign}{figure.value:,}" if figure.value else ""


def _said(impact: Impact) -> str:
    return f"{people(impact.adds)} enter, {people(impact.removes)} leave, {people(impact.modifies)} change"
