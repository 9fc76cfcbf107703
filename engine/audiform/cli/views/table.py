"""Text in columns: the first to the left, figures to the right."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, left: int = 1, indent: str = "") -> list[str]:
    """Return the rows as lines of equal columns; the first `left` columns are texts, the others figures."""
    widths = [
        max((len(row[column]) for row in rows), default=0) for column in range(len(rows[0]) if rows else 0)
    ]
    return [
        (
            indent
            + "  ".join(
                f"{text:<{width}}" if column < left else f"{text:>{width}}"
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]
