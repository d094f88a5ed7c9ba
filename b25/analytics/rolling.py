"""The Sharpe ratio of the last 30 and 90 days, day by day: whether an edge lasts."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from b25.analytics.curve import EquityCurve
from b25.analytics.figures import number_text
from b25.analytics.frame import Frame, reach, unavailable
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray
from b25.analytics.palette import Theme
from b25.analytics.picture import Picture, canvas, explained, head, seconds, time_axis, value_axis
from b25.analytics.series import TimeSeries
from b25.analytics.svg import words
from b25.analytics.ticks import span_text

WINDOWS: Final = (30, 90)
TITLE: Final = "Rolling Sharpe"


def rolling_sharpe(curve: EquityCurve, days: int) -> TimeSeries:
    """Annualised Sharpe ratio of each window of daily returns, at the window's end.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    days : int
        Daily returns in a window, at least 2.

    Returns
    -------
    TimeSeries
        ``mean(r) / std(r, ddof 1) * sqrt(365)``; NaN where a return is undefined or all of them are equal, and without a
        point for fewer returns than a window has. The last value over all days is the Sharpe ratio of the metrics.
    """
    daily = curve.daily()
    if days < 2 or daily.returns.size < days:
        return TimeSeries(np.zeros(0, np.int64), np.zeros(0))
    windows = np.lib.stride_tricks.sliding_window_view(daily.returns, days)
    mean, spread = windows.mean(axis=1), windows.std(axis=1, ddof=1)
    level = np.ptp(windows, axis=1) > 1e-9 * np.max(np.abs(windows), axis=1) + 1e-15
    out = np.full(mean.size, np.nan)
    np.divide(mean, spread, out=out, where=level & np.isfinite(spread))
    return TimeSeries(daily.time_ns[days:], out * math.sqrt(DAYS_PER_YEAR))


def _known(curve: EquityCurve) -> tuple[dict[int, TimeSeries], str]:
    """Windows that the curve can fill, and why there is none."""
    found = {days: rolling_sharpe(curve, days) for days in WINDOWS}
    shown = {days: series for days, series in found.items() if np.any(np.isfinite(series.values))}
    count = curve.daily().returns.size
    if count < WINDOWS[0]:
        return shown, f"a window needs {WINDOWS[0]} daily returns; there {'is' if count == 1 else 'are'} {count}"
    return shown, "" if shown else "in no window do the returns differ"


def _values(series: dict[int, TimeSeries]) -> FloatArray:
    return np.concatenate([one.values for one in series.values()])


def plot_rolling_sharpe(curve: EquityCurve, *, title: str = TITLE, theme: Theme = "light") -> Picture:
    """Sharpe ratio of the last 30 and 90 days; a window that the curve cannot fill is left out.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    shown, why = _known(curve)
    if not shown:
        return explained(title, why, theme=theme)
    start, end = int(curve.time_ns[0]), int(curve.time_ns[-1])
    with canvas(10.0, 2.7, theme) as (figure, palette):
        axes = figure.subplots()
        axes.axhline(0, color=palette.muted, linewidth=0.7)
        for (days, series), colour, style in zip(shown.items(), (palette.equity, palette.accent), ("-", "--"), strict=False):
            x = seconds(series.time_ns, start)
            axes.plot(x, series.values, color=colour, linestyle=style, linewidth=1.3, label=_name(days, series))
        axes.legend(loc="best", ncols=2, labelcolor=palette.muted)
        head(axes, title, "annualised, 365 days", palette)
        axes.margins(y=0.12)
        value_axis(axes)
        time_axis(axes, start, end, palette)
        return Picture(figure)


def _name(days: int, series: TimeSeries) -> str:
    last = series.values[np.isfinite(series.values)][-1]
    return f"{days} days, last {number_text(float(last), significant=3).replace('-', '−')}"


def rolling_chart(curve: EquityCurve, *, width: float) -> str:
    """The same as inline SVG."""
    shown, why = _known(curve)
    if not shown:
        return unavailable(TITLE, why)
    start, end = int(curve.time_ns[0]), int(curve.time_ns[-1])
    low, high = reach(_values(shown), zero=True)
    y = (low, high + 0.14 * (high - low))  # room for the names
    frame = Frame(width=width, height=180, x=(0.0, float(max(1, end - start))), y=y)
    parts = frame.head(TITLE, "annualised, 365 days") + frame.value_marks(zero=True) + frame.time_marks(start, end)
    place = frame.start + 8
    for (days, series), css in zip(shown.items(), ("equity", "accent dashed"), strict=False):
        parts += frame.path((series.time_ns - start).astype(np.float64), series.values, css)
        name = f"{'- -' if 'dashed' in css else '—'} {_name(days, series)}"
        parts.append(words(place, 40.0, name, class_=f"key {css.split()[0]}"))
        place += 8.0 * len(name) if width > 500 else 6.4 * len(name)
    return frame.drawing(parts, f"{TITLE}, {span_text(start, end)}")
