"""A stretch of a run, step by step: what the market showed, what was decided and why, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import traitlets

from b25.model.errors import Misuse
from b25.notebook.widgets.fallback import html_card, html_table
from b25.notebook.widgets.packed import packed
from b25.notebook.widgets.widget import SYNC, Widget, status_of

if TYPE_CHECKING:
    from b25.research.result import Backtest

FRAMES_MAX: Final = 50_000
STRIP: Final = (("time_ns", "<i8"), ("price", "<f8"), ("marks", "<i8"))
# Bits of a frame's marks: what happened in it.
MARKS: Final = {"sent": 1, "filled": 2, "refused": 4, "ended": 8, "note": 16}
BOUGHT: Final = 32  # and what was filled was a buy


class TradeReplay(Widget, script="trade_replay"):
    """Steps through frames.

    Parameters
    ----------
    frames : iterable of dict
        In time order. Each has ``time_ns``, and what is known of: ``bar`` (open, high, low, close, volume), ``book`` (``bids``
        and ``asks`` as (price, quantity), the best first), ``price``, ``events`` (each ``what`` of `MARKS`, ``text``,
        ``why``, ``side``), ``position``, ``equity``, ``state`` (the strategy's fields), ``market`` (what arrived, in words).
        Anything else is shown among the state.
    title : str
    mode : str, optional
        See `status_of`.

    Attributes
    ----------
    cursor : int
        Number of the frame that is shown.
    """

    cursor = traitlets.Int(0).tag(**SYNC)
    count = traitlets.Int(0).tag(**SYNC)
    frame = traitlets.Dict().tag(**SYNC)
    strip = traitlets.Bytes(b"").tag(**SYNC)

    def __init__(
        self, frames: Iterable[Mapping[str, Any]], *, title: str = "Replay", mode: str | None = "replay", **traits: Any
    ) -> None:
        self.frames = [_checked(dict(one)) for one in frames]
        if not self.frames:
            raise Misuse("no frames to replay", remedy="choose a stretch of time in which something happened")
        if len(self.frames) > FRAMES_MAX:
            raise Misuse(f"{len(self.frames):,} frames are more than {FRAMES_MAX:,}", remedy="choose a shorter stretch of time")
        times = [int(one["time_ns"]) for one in self.frames]
        if any(later < earlier for earlier, later in pairwise(times)):
            raise Misuse("the frames are not in the order of time", remedy="sort them by time_ns")
        marks = [_marks_of(one) for one in self.frames]
        strip = packed(STRIP, {"time_ns": times, "price": [_price_of(one) for one in self.frames], "marks": marks})
        begin = next((k for k, one in enumerate(marks) if one & (MARKS["sent"] | MARKS["filled"] | MARKS["refused"])), 0)
        super().__init__(
            title=title, count=len(self.frames), strip=strip, cursor=begin, frame=_shown(self.frames[begin]),
            **{"status": status_of(mode), **traits},
        )  # fmt: skip
        self.observe(self._stepped, "cursor")

    @classmethod
    def of(cls, result: Any, order_id: int | None = None, *, before: int = 20, after: int = 60, **more: Any) -> Self:
        """Replay what surrounds an order of a backtest, or of anything that gives frames; the first order by default.

        Parameters
        ----------
        result : Backtest, or object with ``frames(order_id, before, after)``
        order_id : int, optional
            From ``result.orders``.
        before, after : int
            Bars, or messages of the feed, before it was sent and after it ended.
        """
        if callable(getattr(result, "frames", None)):
            return cls(result.frames(order_id, before, after), **more)
        return cls.of_backtest(result, order_id, before=before, after=after, **more)

    @classmethod
    def of_backtest(cls, result: Backtest, order_id: int | None, *, before: int, after: int, **more: Any) -> Self:
        """Replay what surrounds an order of a backtest."""
        from b25.notebook.widgets.replay_frames import frames_of

        found, number = frames_of(result, order_id, before=before, after=after)
        title = f"{result.name}: order {number}" if number is not None else result.name
        return cls(found, **{"title": title, "mode": "backtest", **more})

    def _stepped(self, _: Any) -> None:
        self.frame = _shown(self.frames[max(0, min(self.cursor, len(self.frames) - 1))])

    def step(self, by: int = 1) -> None:
        """Go on, or back."""
        self.cursor = max(0, min(len(self.frames) - 1, self.cursor + by))

    def _on_step(self, message: Mapping[str, Any]) -> None:
        self.step(int(message["by"]))

    def facts(self) -> Sequence[tuple[str, str]]:
        """Where it stands."""
        when = np.datetime64(int(self.frames[self.cursor]["time_ns"]), "ns").astype("datetime64[ms]")
        return [("frame", f"{self.cursor + 1} of {self.count}"), ("time", f"{when} UTC")]

    def static_html(self) -> str:
        """What happened, one line an event."""
        rows = [
            (str(np.datetime64(int(one["time_ns"]), "ns").astype("datetime64[ms]")), str(event["what"]), str(event["text"]),
             str(event.get("why", "")))
            for one in self.frames for event in one.get("events", ())
        ]  # fmt: skip
        return html_card(self.title, self.facts(), html_table(("time (UTC)", "what", "text", "why"), rows))


def _checked(frame: dict[str, Any]) -> dict[str, Any]:
    if "time_ns" not in frame:
        raise Misuse("a frame without time_ns", remedy="give the time of each frame in ns")
    return frame


def _marks_of(frame: Mapping[str, Any]) -> int:
    found = 0
    for event in frame.get("events") or ():
        found |= MARKS.get(str(event.get("what")), MARKS["note"])
        found |= BOUGHT if event.get("what") == "filled" and int(event.get("side", 0)) > 0 else 0
    return found


def _price_of(frame: Mapping[str, Any]) -> float:
    """Price that the strip draws: what the frame says, the close of its bar, or the middle of its book; NaN when unknown."""
    if frame.get("price") is not None:
        return float(frame["price"])
    if frame.get("bar"):
        return float(frame["bar"]["close"])
    book = frame.get("book") or {}
    if book.get("bids") and book.get("asks"):
        return (float(book["bids"][0][0]) + float(book["asks"][0][0])) / 2
    return float("nan")


def _shown(frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return a frame as JSON can carry it: times in ms, no NaN, and what has no place of its own among the state."""
    places = ("time_ns", "bar", "book", "price", "events", "position", "equity", "state", "market")
    rest = {name: value for name, value in frame.items() if name not in places}
    shown = {name: _plain(frame[name]) for name in places if name in frame and name != "time_ns"}
    return {**shown, "time_ms": int(frame["time_ns"]) / 1e6, "state": {**_plain(frame.get("state") or {}), **_plain(rest)}}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return _plain(value[:20].tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
