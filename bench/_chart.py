"""Bars as SVG, by hand: a chart in a result needs no library."""

from __future__ import annotations

from html import escape

_WIDTH, _LABEL, _BAR = 720, 170, 18


def bars(title: str, groups: dict[str, dict[str, float]]) -> str:
    """One bar per value, grouped, all on one scale; the number stands behind the bar."""
    most = max((value for values in groups.values() for value in values.values()), default=1.0)
    parts, y = [f'<text x="10" y="20" font-weight="bold">{escape(title)}</text>'], 44
    for group, values in groups.items():
        parts.append(f'<text x="10" y="{y}" font-weight="bold">{escape(group)}</text>')
        y += 8
        for name, value in values.items():
            length = (_WIDTH - _LABEL - 90) * value / most
            colour = "#2a6f97" if name.startswith("townhub") else "#adb5bd"
            parts.append(f'<text x="{_LABEL - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR - 4}" fill="{colour}"/>')
            parts.append(f'<text x="{_LABEL + length + 6:.1f}" y="{y + 12}">{value:,.0f}</text>')
            y += _BAR
        y += 22
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" font-family="sans-serif"'
    return f'{head} font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
