"""Candles as a still drawing: what a notebook shows where no widget runs."""

from __future__ import annotations

from typing import Final

from b25.analytics.candles import Candles
from b25.analytics.display import BLUE, ORANGE
from b25.analytics.svg import drawing, tag

WIDTH: Final = 640.0
HEIGHT: Final = 200.0
BARS: Final = 120


def candle_drawing(bars: Candles) -> str:
    """Return at most 120 candles as SVG; empty text for none."""
    shown, _ = bars.merged(BARS)
    if not shown.size:
        return ""
    low, high = float(shown.low.min()), float(shown.high.max())
    reach = (high - low) or 1.0
    each = WIDTH / shown.size

    def y(price: float) -> float:
        return round(HEIGHT - 4 - (price - low) / reach * (HEIGHT - 8), 1)

    parts = []
    for k in range(shown.size):
        first, last = float(shown.open[k]), float(shown.close[k])
        colour = BLUE if last >= first else ORANGE
        middle = round((k + 0.5) * each, 1)
        top, bottom = y(max(first, last)), y(min(first, last))
        parts.append(tag("line", x1=middle, x2=middle, y1=y(float(shown.high[k])), y2=y(float(shown.low[k])), stroke=colour))
        box = {"x": round(middle - each * 0.35, 1), "width": round(each * 0.7, 1)}
        parts.append(tag("rect", **box, y=top, height=round(max(0.8, bottom - top), 1), fill=colour))
    return drawing(WIDTH, HEIGHT, parts, label="Candles", style="width:100%;max-width:640px;height:auto;display:block")
