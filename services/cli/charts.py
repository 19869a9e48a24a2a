"""A line chart as SVG, drawn without any library."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 760
HEIGHT: Final = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 16, 36, 44
_LINES: Final = 4


def line_chart(title: str, labels: Sequence[str], values: Sequence[int]) -> str:
    """An SVG of one series with its scale from zero, and the same numbers as its description."""
    top = max(*values, 1)
    inner_width, inner_height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = inner_width / max(len(values) - 1, 1)
    points = [
        (_LEFT + number * step, _TOP + inner_height * (1 - value / top))
        for number, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    numbers = "; ".join(f"{a}: {b}" for a, b in zip(labels, values, strict=True))
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"',
            '     font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title><desc>{escape(numbers)}</desc>",
            f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
            *_scale(top, inner_height),
            *_labels(labels, step),
            f'<polyline points="{path}" fill="none" stroke="#1f5fa8" stroke-width="2"/>',
            "</svg>\n",
        )
    )


def _scale(top: int, height: int) -> list[str]:
    lines = []
    for number in range(_LINES + 1):
        y = _TOP + height * (1 - number / _LINES)
        value = f"{top * number // _LINES:,}"
        lines.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value}</text>')
    return lines


def _labels(labels: Sequence[str], step: float) -> list[str]:
    every = max(1, len(labels) // 8)
    return [
        f'<text x="{_LEFT + number * step:.1f}" y="{HEIGHT - 16}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for number, label in enumerate(labels)
        if number % every == 0
    ]
