"""Charts of bars as SVG, for the page of the benchmarks: readable without colours, in the dark, and without seeing them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from results import Figure

OURS = "Audiform"
"""Subjects that begin with this are ours: their bars have the stronger colour."""
WIDTH, BAR, GAP, TOP = 760, 22, 8, 44
THOUSAND = 1000
LETTER = 7.1
"""The width of a letter, nearly: an SVG cannot ask."""
STYLE = """\
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}
.title{font-weight:600}.unit{fill:#59636e}.bar{fill:#8c959f}.ours{fill:#0969da}.paper{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.unit{fill:#9198a1}.bar{fill:#656c76}.ours{fill:#4493f8}.paper{fill:#0d1117}}"""


def chart(figures: Sequence[Figure]) -> str:
    """Return the figures of one measure as bars, each with its subject and its value in words."""
    measure, unit = figures[0].measure, figures[0].unit
    left = 16 + LETTER * max(len(figure.subject) for figure in figures)
    right = LETTER * max(len(shown(figure.value)) for figure in figures) + 16
    most = max(figure.value for figure in figures) or 1
    height = TOP + len(figures) * (BAR + GAP) + GAP
    size = f'width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title values" {size}>',
        f'<title id="title">{escape(measure)}</title>',
        f'<desc id="values">{escape(in_words(figures))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" {size}/>',
        f'<text class="title" x="8" y="18">{escape(measure)}</text>',
        f'<text class="unit" x="8" y="35">{escape(unit)}, {better(unit)}</text>',
    ]
    for number, figure in enumerate(figures):
        top = TOP + number * (BAR + GAP)
        width = max(1.0, (WIDTH - left - right) * figure.value / most)
        kind = "bar ours" if figure.subject.startswith(OURS) else "bar"
        lines += [
            f'<text x="{left - 8:.0f}" y="{top + 16}" text-anchor="end">{escape(figure.subject)}</text>',
            f'<rect class="{kind}" x="{left:.0f}" y="{top}" width="{width:.1f}" height="{BAR}"/>',
            f'<text x="{left + width + 6:.0f}" y="{top + 16}">{shown(figure.value)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def in_words(figures: Sequence[Figure]) -> str:
    """Return what the bars say, for who does not see them."""
    return "; ".join(f"{figure.subject}: {shown(figure.value)} {figure.unit}" for figure in figures)


def better(unit: str) -> str:
    """Say which way is better: more of what happens in a second, less of all else."""
    return "more is better" if "/s" in unit else "less is better"


def shown(value: float) -> str:
    """Return a value as people read it: three digits that count, thousands apart."""
    return f"{value:,.0f}" if value >= THOUSAND else f"{float(f'{value:.3g}'):g}"
