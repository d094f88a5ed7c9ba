"""A session in a terminal: the book with our orders in it, position and worth, executions, and whether all is well."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console, Group
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from b25.session.glance import Glance
from b25.session.session import working_orders

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop

REDRAW_S: Final = 0.25
MARK_S: Final = 1.0
STALE_MS: Final = 2_000.0
BAR: Final = 18
SPARKS: Final = "▁▂▃▄▅▆▇█"
UP, DOWN, CALM, WARN = "green", "red", "cyan", "yellow"


@dataclass(slots=True)
class LiveView:
    """Draws four times a second, in a thread, from what was read in the session's own loop.

    Parameters
    ----------
    title : str
    seconds : float
        How long the session will run; 0 until it is interrupted.
    console : Console
    """

    title: str
    seconds: float
    console: Console
    said: deque[str] = field(default_factory=lambda: deque(maxlen=4))
    began_s: float = field(default_factory=time.monotonic)
    _before: tuple[float, int] = (0.0, 0)
    _rate: float = 0.0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Show a line of the session's."""
        self.said.append(text)

    def watch(self, loop: LiveLoop) -> None:
        """Follow a session; called in its loop."""
        glance = Glance(loop.session)
        loop.session.watch = glance.effects
        loop.answered.append(glance.answers)
        self._tasks.append(asyncio.get_running_loop().create_task(self._draw_on(loop, glance)))

    async def _draw_on(self, loop: LiveLoop, glance: Glance) -> None:
        marked_s = 0.0
        with Live(console=self.console, auto_refresh=False, screen=False, transient=True) as shown:
            while True:
                if time.monotonic() - marked_s >= MARK_S:
                    glance.mark()
                    marked_s = time.monotonic()
                facts = self._facts(loop, glance)
                await asyncio.to_thread(shown.update, self._drawn(facts), refresh=True)
                await asyncio.sleep(REDRAW_S)

    def end(self) -> None:
        """Stop drawing; called in the session's loop, or when it is gone."""
        for task in self._tasks:
            task.cancel()

    def _facts(self, loop: LiveLoop, glance: Glance) -> dict[str, Any]:
        session = loop.session
        machine, now_s = session.machine, time.monotonic()
        since_s, events = now_s - self._before[0], session.events_taken - self._before[1]
        if since_s >= MARK_S:
            self._rate = events / since_s if self._before[0] else 0.0
            self._before = (now_s, session.events_taken)
        one, book, position = machine.instruments[0], machine.world.books[0], machine.world.positions[0]
        bids, asks = glance.levels()
        return {
            "one": one,
            "bids": bids,
            "asks": asks,
            "age_ms": (loop.clock_ns() - int(book["local_ns"])) / 1e6 if int(book["local_ns"]) else None,
            "health": int(book["health"]),
            "position": one.quantity(int(position["position_lots"])),
            "fills": int(position["fills"]),
            "fees": (int(position["fees"]) + int(position["fees_e8"]) / 1e8) * float(one.money_unit),
            "earned": glance.worths[-1][1] if glance.worths else None,
            "worths": [worth for _, worth in glance.worths],
            "orders": [
                (int(o["side"]), str(one.price(int(o["price_ticks"]))), str(one.quantity(int(o["leaves_lots"]))))
                for o in working_orders(machine)
            ],
            "executed": list(glance.executed)[-7:],
            "refused": dict(glance.refused),
            "trips": (glance.trip_ms(0.5), glance.trip_ms(0.99)),
            "events": session.events_taken,
            "effects": session.effects_left,
            "journal_bytes": session.journal.bytes,
            "fault": session.fault.what if session.fault else "",
            "said": list(self.said),
            "left_s": max(0.0, self.seconds - (now_s - self.began_s)) if self.seconds else None,
        }

    # Drawing, from facts only.

    def _drawn(self, facts: dict[str, Any]) -> Any:
        head = Text.assemble((" b25 ", "bold reverse"), "  ", (self.title, "bold"), "   ")
        head.append(time.strftime("%H:%M:%S UTC", time.gmtime()), "dim")
        if facts["left_s"] is not None:
            head.append(f"   {facts['left_s']:.0f} s left", "dim")
        head.append("   Ctrl-C ends it in order", "dim")
        if self.console.width < 90:
            body: Any = Group(self._book(facts), self._account(facts), self._health(facts))
        else:
            body = Layout(size=22)
            body.split_row(Layout(name="left", ratio=5), Layout(name="right", ratio=6))
            body["left"].update(self._book(facts))
            body["right"].split_column(
                Layout(self._account(facts), size=7), Layout(self._trading(facts), size=9), Layout(self._health(facts), size=5)
            )
            body = _Sized(body, 21)
        return Group(head, body, *(Text(f"  {line}", "dim", no_wrap=True, overflow="ellipsis") for line in facts["said"]))

    def _book(self, facts: dict[str, Any]) -> Panel:
        one = facts["one"]
        table = Table.grid(padding=(0, 1), expand=True)
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        most = max([float(quantity) for _, quantity, _ in (*facts["bids"], *facts["asks"])], default=1.0) or 1.0
        for price, quantity, ours in reversed(facts["asks"]):
            table.add_row(*_level(price, quantity, ours, most, DOWN))
        table.add_row("", Text(_spread(facts), "dim"), "", "")
        for price, quantity, ours in facts["bids"]:
            table.add_row(*_level(price, quantity, ours, most, UP))
        return Panel(table, title=f"{one.symbol}", subtitle=_age(facts), border_style=WARN if facts["health"] else CALM)

    def _account(self, facts: dict[str, Any]) -> Panel:
        one, worth = facts["one"], facts["earned"]
        table = Table.grid(padding=(0, 2), expand=True)
        for justify in ("left", "right", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        told = Text("unknown", WARN) if worth is None else Text(f"{worth:+.4f} {one.settle}", UP if worth >= 0 else DOWN)
        held = facts["position"]
        table.add_row("earned", told, "position", Text(f"{held:+} {one.base}" if held else "flat", "bold" if held else "dim"))
        table.add_row("fees", f"{facts['fees']:.4f} {one.settle}", "fills", f"{facts['fills']:,}")
        return Panel(
            Group(table, Text(""), Text(_sparks(facts["worths"], 46), UP if (worth or 0) >= 0 else DOWN)), title="account"
        )

    def _trading(self, facts: dict[str, Any]) -> Panel:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        orders = Table.grid(padding=(0, 1))
        for side, price, quantity in facts["orders"][:7]:
            orders.add_row(_side(side), price, quantity)
        fills = Table.grid(padding=(0, 1))
        for one in reversed(facts["executed"]):
            at = time.strftime("%H:%M:%S", time.gmtime(one.time_ns // 10**9))
            fills.add_row(
                Text(at, "dim"), _side(one.side), one.price, one.quantity, Text("maker" if one.maker else "taker", "dim")
            )
        table.add_row(orders if facts["orders"] else Text("no order works", "dim"), fills)
        return Panel(table, title=f"{len(facts['orders'])} orders, last executions")

    def _health(self, facts: dict[str, Any]) -> Panel:
        half, most = facts["trips"]
        trips = f"{half:.1f} ms, p99 {most:.1f}" if half is not None else "none yet"
        refused = sum(facts["refused"].values())
        why = max(facts["refused"], key=facts["refused"].get) if refused else ""
        table = Table.grid(padding=(0, 2), expand=True)
        for justify in ("left", "right", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_row(
            "events", f"{self._rate:,.0f}/s of {facts['events']:,}", "journal", f"{facts['journal_bytes'] / 1e6:.2f} MB"
        )
        table.add_row("sent → accepted", trips, "refused", f"{refused:,} {why}")
        if facts["fault"]:
            table.add_row(Text("HALTED", "bold red"), Text(facts["fault"], "red"), "", "")
        return Panel(table, title="health", border_style="red" if facts["fault"] else CALM)


class _Sized:
    """A layout with a height of its own, so that it does not take the whole screen."""

    def __init__(self, layout: Layout, height: int) -> None:
        self.layout, self.height = layout, height

    def __rich_console__(self, console: Console, options: Any) -> Any:
        yield from console.render(self.layout, options.update(height=self.height))


def _level(price: str, quantity: str, ours: int, most: float, style: str) -> tuple[Any, ...]:
    bar = "█" * max(1, round(BAR * float(quantity) / most))
    mark = Text("◀ ours", "bold yellow") if ours else Text("")
    return Text(bar, f"dim {style}"), Text(price, style), quantity, mark


def _spread(facts: dict[str, Any]) -> str:
    if not facts["bids"] or not facts["asks"]:
        return "one side is empty"
    bid, ask = float(facts["bids"][0][0]), float(facts["asks"][0][0])
    return f"{(ask - bid) / (ask + bid) * 2e4:.3f} bps"


def _age(facts: dict[str, Any]) -> Text:
    age_ms = facts["age_ms"]
    if age_ms is None:
        return Text("no data yet", WARN)
    if facts["health"]:
        return Text("not whole: nothing is traded on it", "bold yellow")
    return Text(f"stale since {age_ms / 1e3:.1f} s", "bold yellow") if age_ms > STALE_MS else Text(f"{age_ms:.0f} ms old", "dim")


def _side(side: int) -> Text:
    return Text("buy", UP) if side > 0 else Text("sell", DOWN)


def _sparks(values: list[float], width: int) -> str:
    if len(values) < 2:
        return ""
    points = np.array(values[-width:])
    low, high = float(points.min()), float(points.max())
    if high <= low:
        return SPARKS[0] * len(points)
    return "".join(SPARKS[int((value - low) / (high - low) * (len(SPARKS) - 1))] for value in points)


def is_terminal() -> bool:
    """Whether somebody looks, and the terminal can redraw."""
    return Console(stderr=True).is_terminal and os.environ.get("TERM") != "dumb"
