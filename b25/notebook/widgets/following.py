"""Feeds widgets from a gateway's live state: the client's one thread reads, the newest picture waits, the kernel's loop shows it.

A widget that is closed is fed no more, and a thread that was opened for it ends with it. Nothing here is asked twice a tenth
of a second, however fast the market is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from b25.client.live import CONNECTED, LiveState, LiveThread
from b25.model.errors import Misuse
from b25.notebook.widgets import live_pictures as pictures
from b25.notebook.widgets.slot import PERIOD_S, NewestValue

if TYPE_CHECKING:
    from b25.notebook.widgets.blotter import Blotter
    from b25.notebook.widgets.candles import Candles
    from b25.notebook.widgets.ladder import Ladder
    from b25.notebook.widgets.risk_gauges import RiskGauges
    from b25.notebook.widgets.session_panel import SessionPanel
    from b25.notebook.widgets.widget import Widget

Read = Callable[[LiveThread], Any]


class Listeners:
    """Those who want to hear of each message of one live state."""

    def __init__(self, before: Callable[[], None]) -> None:
        self.calls: list[Callable[[], None]] = [before]

    def __call__(self) -> None:
        """Tell all of them."""
        for call in tuple(self.calls):
            call()


def listeners_of(live: LiveState) -> Listeners:
    """Return those of a state; made at the first use."""
    if not isinstance(live.changed, Listeners):
        live.changed = Listeners(live.changed)
    return live.changed


class Following:
    """Feeds one widget.

    Parameters
    ----------
    source : Client, or LiveThread
        Of a client a thread is opened, which ends with the widget.
    channels : tuple of str
    read : callable
        Makes a picture of the live state, in its thread; None when there is nothing to show.
    show : callable
        Takes a picture, in the kernel's loop.
    """

    def __init__(self, source: Any, channels: tuple[str, ...], read: Read, show: Callable[[Any], None]) -> None:
        self.read, self.reads = read, 0
        self._slot = NewestValue(show, period_s=0.0)
        self.live, self._owns = live_of(source, channels)
        self._last_s, self._is_armed, self._is_closed = float("-inf"), False, False
        self._listeners = listeners_of(self.live.live)
        self._listeners.calls.append(self._changed)
        self._look()  # what a thread that is shared knows already

    def _changed(self) -> None:
        """Look now, or when a tenth of a second is over; called in the loop of the live state."""
        if self._is_armed or self._is_closed:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._last_s + PERIOD_S - loop.time()
        if wait_s <= 0 or self.live.live.state != CONNECTED:
            self._last_s = loop.time()
            self._look()
        else:
            self._is_armed = True
            loop.call_later(wait_s, self._later)

    def _later(self) -> None:
        self._is_armed = False
        self._changed()

    def _look(self) -> None:
        if self._is_closed:
            return
        self.reads += 1
        if (picture := self.read(self.live)) is not None:
            self._slot.put(picture)

    def close(self) -> None:
        """Feed no more."""
        self._is_closed = True
        if self._changed in self._listeners.calls:
            self._listeners.calls.remove(self._changed)
        self._slot.close()
        if self._owns:
            self.live.close()


def live_of(source: Any, channels: tuple[str, ...]) -> tuple[LiveThread, bool]:
    """Return a live state that follows some channels, and whether it was opened for that.

    Raises
    ------
    Misuse
        For a thread that does not follow them, or something else.
    """
    if isinstance(source, LiveThread):
        if missing := sorted(set(channels) - source.live.mirror.wanted):
            wanted = ", ".join(repr(one) for one in channels)
            raise Misuse(f"this live state does not follow {missing[0]!r}", remedy=f"open it with client.live({wanted})")
        return source, False
    opened = getattr(source, "live", None)
    if not callable(opened):
        raise Misuse(f"{type(source).__name__} is no client of a gateway", remedy="give what b25.connect() returned")
    made = opened(*channels)
    if not isinstance(made, LiveThread):
        raise Misuse("an awaited client cannot feed a widget", remedy="give what b25.connect() returned")
    return made, True


def _fed(widget: Widget, following: Following) -> None:
    widget._closing.append(following.close)


def follow_book(cls: type[Ladder], source: Any, symbol: str, *, session: str | None = None, **steps: Any) -> Ladder:
    """Make a ladder of a live book.

    Parameters
    ----------
    symbol : str
        Ccxt unified symbol.
    session : str, optional
        Whose mode is shown; by default the one that tells the book.
    **steps
        ``tick`` and ``lot``; by default the finest decimals that were seen.
    """
    made = cls(symbol, tick=steps.get("tick", "1"), lot=steps.get("lot", "1"))

    def show(picture: Mapping[str, Any]) -> None:
        tick, lot = steps.get("tick", picture["tick"]), steps.get("lot", picture["lot"])
        made.set_grid(tick, lot, picture["quote"], picture["base"])
        bids, asks = made.whole(picture["bids"], picture["asks"])
        made.update(bids, asks, orders=made.whole_orders(picture["orders"]), status=picture["status"])

    channels = ("orderbook", "orders", "sessions")
    _fed(made, Following(source, channels, lambda live: pictures.book(live, symbol, session), show))
    return made


def follow_candles(cls: type[Candles], source: Any, symbol: str, *, session: str | None = None) -> Candles:
    """Make candles of a live market's minutes, with what is open and was filled there."""
    made = cls(pictures.no_bars(), title=symbol, digits=2)

    def show(picture: Mapping[str, Any]) -> None:
        made.tick = {**made.tick, "digits": picture["digits"]}
        made.set_lines(picture["lines"])
        made.update(picture["bars"], fills=picture["fills"], status=picture["status"])

    channels = ("candles", "orders", "fills", "positions", "sessions")
    _fed(made, Following(source, channels, lambda live: pictures.candles(live, symbol, session), show))
    return made


def follow_blotter(cls: type[Blotter], source: Any, what: str, *, session: str | None = None) -> Blotter:
    """Make a blotter of the orders or fills that a gateway tells; those of one session only, if it is named."""
    if what not in ("orders", "fills"):
        raise Misuse(f"a gateway has no live {what!r}", remedy="use orders or fills")
    made = cls([], key="key", title=what.capitalize())

    def show(picture: Mapping[str, Any]) -> None:
        made.patch(picture["rows"], status=picture["status"])

    _fed(made, Following(source, (what, "sessions"), lambda live: pictures.rows(live, what, session), show))
    return made


def follow_gauges(cls: type[RiskGauges], source: Any, session: str) -> RiskGauges:
    """Make gauges of a session's limits: what is allowed is asked for once, what is used follows."""
    allowed: dict[str, float] = {}
    asked = getattr(source, "limits", None)
    if callable(asked):
        allowed = pictures.allowed(asked(), session)
    made = cls([], title=f"Limits of {session}")

    def show(picture: Mapping[str, Any]) -> None:
        made.update(picture["limits"], status=picture["status"])

    _fed(made, Following(source, ("risk", "sessions"), lambda live: pictures.gauges(live, session, allowed), show))
    return made


def follow_session(cls: type[SessionPanel], source: Any, session: str | None) -> SessionPanel:
    """Make a card of a live session; its buttons send commands over the socket that feeds it.

    Parameters
    ----------
    source : Client, LiveThread, or a bot of `b25.connect()`
        A bot brings its client and its name.
    session : str, optional
    """
    name = session or getattr(source, "name", None)
    client = source if session is not None else getattr(source, "client", source)
    if not isinstance(name, str) or not name:
        raise Misuse("which session?", remedy='name it: SessionPanel.live(client, "live-1")')
    account: list[str] = []

    def command(what: str, reason: str) -> Any:
        if what == "kill":
            if not account:
                raise Misuse(f"the account of {name} is not known", remedy="use b25 kill, or the dashboard")
            return following.live.command("kill", account=account[-1], reason=reason)
        return following.live.command(what, session=name, reason=reason)

    made = cls({"session": name}, command=command)

    def show(picture: Mapping[str, Any]) -> None:
        if picture["snapshot"].get("account"):
            account[:] = [picture["snapshot"]["account"]]
        made.update(picture["snapshot"], status=picture["status"])

    channels = ("sessions", "account", "positions")
    following = Following(client, channels, lambda live: pictures.session(live, name), show)
    _fed(made, following)
    return made
