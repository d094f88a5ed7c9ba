"""How long a live session takes from a raw message to an order that is ready to be sent, with its journal on; and how many events
it takes in a second.

In one process, without a socket: Binance's depth messages as bytes, through the feed (read, checked, bridged, made into rows),
the session (events, journal, `step` with the market maker and the risk gate, effects, journal) up to the port's request object,
which is what ccxt would sign. Every message moves the best bid, and the strategy amends its quote after each.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figure
from stage import Stage

from b25.market.feed.binance_streams import address_of
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.settings import FeedSettings
from b25.model.event import DEPTH, EVENT, LAST_OF_MESSAGE, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_REPLACED
from b25.model.instrument import Instrument
from b25.model.message import USDM
from b25.model.order import AMEND, CANCEL, SUBMIT
from b25.model.world import FEES, LIMITS
from b25.research.strategy_file import load_strategy
from b25.risk.limits import Limits
from b25.session.commands import Command
from b25.session.composition import Composition
from b25.session.gateway import order_event
from b25.session.rows import events_of
from b25.session.session import Session
from b25.store.journal import Journal
from b25.venue.models import Fees
from b25.venue.port.requests import Amendment, NewOrder, OrderRef

BTC = Instrument(venue="binanceusdm", symbol="BTC/USDT:USDT", tick=Decimal("0.1"), lot=Decimal("0.001"))
STRATEGY = Path(__file__).resolve().parent.parent / "strategies" / "market_maker.py"
PARAMS = {"market_spread_bps_min": 0.0, "requote_bps": 0.0, "half_spread_bps": 0.5}
LEVELS, WARM, COUNT, BURST = 20, 2_000, 20_000, 200_000
ANSWERS = {SUBMIT: ORDER_ACCEPTED, AMEND: ORDER_REPLACED, CANCEL: ORDER_CANCELLED}
NOW_NS = 1_700_000_000_000_000_000


class NoIo:
    """An outside that does nothing."""

    def open(self, number: int, url: str) -> None:
        """Connected by hand."""

    def send(self, number: int, text: bytes) -> None:
        """Nobody listens."""

    def ping(self, number: int) -> None:
        """Nobody answers."""

    def drop(self, number: int) -> None:
        """Nothing to drop."""

    def fetch_snapshot(self, book: int) -> None:
        """Given by hand."""


class Ends:
    """Both ends of the way: the feed's listener, and what takes the effects and makes requests of them."""

    def __init__(self, folder: Path, cls: Any) -> None:
        composition = Composition(
            name="bench", mode="live", venue="binanceusdm", cls=cls, params=PARAMS, instruments=[BTC],
            limits=Limits(position_max=1.0, orders_per_s_max=100_000, collar=0.1).record(BTC).astype(LIMITS),
            fees=Fees().record(BTC).astype(FEES), balance=10_000.0,
        )  # fmt: skip
        self.session = Session(composition, folder / "bench.journal", self.act)
        self.ready_ns = 0
        self.effects: list[Any] = []

    def rows(self, book: int, rows: np.ndarray) -> None:
        """Take rows as the live loop does."""
        events = events_of(book, rows, self.session.machine.now_ns)
        self.session.timers_until(int(events["local_ns"][0]))
        self.session.take(events)

    def text(self, book: int, recv_ns: int, address: int, size: int, why: str) -> None:
        """Not recorded here."""

    def news(self, news: Any) -> None:
        """Nothing happens to the sockets."""

    def act(self, effects: np.ndarray) -> None:
        """Make the requests; stamp when the first is ready."""
        for effect in effects:
            terms: dict[str, Any] = {
                "symbol": BTC.symbol, "client_id": f"bench-{effect['order_id']}", "side": int(effect["side"]),
                "qty_lots": int(effect["qty_lots"]), "price_ticks": int(effect["price_ticks"]),
            }  # fmt: skip
            if effect["kind"] == CANCEL:
                OrderRef(symbol=BTC.symbol, client_id=terms["client_id"])
            else:
                NewOrder(**terms, post_only=True) if effect["kind"] == SUBMIT else Amendment(**terms)
            if not self.ready_ns:
                self.ready_ns = time.perf_counter_ns()
        self.effects.extend(effects.copy())

    def answer(self) -> None:
        """Answer as a venue that agrees to everything."""
        for effect in self.effects:
            kind = ANSWERS[int(effect["kind"])]
            terms = {name: int(effect[name]) for name in ("side", "price_ticks", "qty_lots")}
            event = order_event(kind, int(effect["order_id"]), instrument=0, request_id=int(effect["request_id"]), **terms)
            event["local_ns"] = self.session.machine.now_ns
            self.session.take(event)
        self.effects.clear()


def message(k: int) -> bytes:
    """A diff of 2 x LEVELS levels that moves the touch up or down by a step of ten ticks."""
    base = 600_000 + 20 * (k % 3)
    bids = [[f"{(base - i) / 10:.1f}", "0.500" if i or k % 3 else "1.500"] for i in range(LEVELS)]
    bids += [[f"{(base + 20 - i) / 10:.1f}", "0.000"] for i in range(0, 10)]
    asks = [[f"{(base + 50 + i) / 10:.1f}", "0.700"] for i in range(LEVELS)]
    asks += [[f"{(base + 49 - i) / 10:.1f}", "0.000"] for i in range(0, 10)]
    at_ms = NOW_NS // 10**6 + k
    told = {"e": "depthUpdate", "E": at_ms, "T": at_ms, "s": "BTCUSDT", "U": k + 1, "u": k + 1, "pu": k, "b": bids, "a": asks}
    return json.dumps(told, separators=(",", ":")).encode()


def latencies(ends: Ends) -> np.ndarray:
    """Nanoseconds from each message's bytes to the first request that came of it."""
    feed = Feed([Wanted(BTC, USDM, "BTCUSDT", ("depth",))], address_of(USDM), FeedSettings(), NoIo(), ends, lambda: 0.5)
    feed.tick(NOW_NS)
    (number,) = feed.lines[0].sockets
    feed.opened(number, NOW_NS)
    snapshot = {
        "lastUpdateId": 0,
        "E": NOW_NS // 10**6,
        "T": NOW_NS // 10**6,
        "bids": [["59990.0", "1"]],
        "asks": [["60010.0", "1"]],
    }
    feed.text(number, *_at(first := message(0)), NOW_NS)
    feed.snapshot(0, json.dumps(snapshot, separators=(",", ":")).encode(), NOW_NS)
    feed.batch_done()
    ends.session.command(Command.START, NOW_NS)
    assert first
    taken, times = [message(k) for k in range(1, WARM + COUNT)], []
    for k, text in enumerate(taken, 1):
        address, size = _at(text)
        ends.ready_ns = 0
        begun = time.perf_counter_ns()
        feed.text(number, address, size, NOW_NS + k * 10**6)
        feed.batch_done()
        if ends.ready_ns and k > WARM:
            times.append(ends.ready_ns - begun)
        ends.answer()
    return np.array(times)


def _at(text: bytes) -> tuple[int, int]:
    held = np.frombuffer(text, np.uint8)
    return int(held.ctypes.data), len(text)


def sustained(session: Session) -> float:
    """Events a second, one message at a time, each with its own write to the journal."""
    rows = np.zeros(1, EVENT)
    rows["kind"], rows["side"], rows["price_ticks"], rows["flags"] = DEPTH, 1, 590_000, LAST_OF_MESSAGE
    begun = time.perf_counter()
    for k in range(BURST):
        rows["qty_lots"], rows["local_ns"] = k % 100 + 1, NOW_NS + 10**12 + k
        session.take(rows)
    return BURST / (time.perf_counter() - begun)


def journal_cost(folder: Path) -> np.ndarray:
    """Nanoseconds that writing one message's events takes until the operating system has them."""
    journal, rows, times = Journal(folder / "cost.journal", {}), np.zeros(40, EVENT), []
    for _ in range(COUNT):
        begun = time.perf_counter_ns()
        journal.events(rows)
        times.append(time.perf_counter_ns() - begun)
    journal.close()
    return np.array(times)


def measure() -> dict[str, float]:
    """Return the figures."""
    cls = load_strategy(f"{STRATEGY}:MarketMaker")
    with tempfile.TemporaryDirectory() as folder:
        ends = Ends(Path(folder), cls)
        ways = latencies(ends) / 1e3
        rate = sustained(ends.session)
        written = journal_cost(Path(folder)) / 1e3
        ends.session.close("measured")
    return {
        "decisions": len(ways),
        "message_to_order_us_p50": float(np.percentile(ways, 50)),
        "message_to_order_us_p99": float(np.percentile(ways, 99)),
        "message_to_order_us_p999": float(np.percentile(ways, 99.9)),
        "journal_40_events_us_p50": float(np.percentile(written, 50)),
        "journal_40_events_us_p99": float(np.percentile(written, 99)),
        "events_per_s_journal_on": rate,
    }


def live_decision(stage: Stage) -> Iterator[Figure]:
    """Both figures of a live session in one process, with its journal on."""
    found = measure()
    ways = f"p99.9 {found['message_to_order_us_p999']:,.0f} µs of {found['decisions']:,} decisions, journal on"
    p50, p99 = found["message_to_order_us_p50"], found["message_to_order_us_p99"]
    yield Figure("raw message → decision → risk → order ready, p50", p50, "µs", 150, 40, False, ways)
    yield Figure("the same, p99", p99, "µs", 500, 150, False, ways)
    journal = f"one message at a time; writing 40 events takes {found['journal_40_events_us_p50']:.1f} µs, "
    journal += f"p99 {found['journal_40_events_us_p99']:.1f}"
    rate = found["events_per_s_journal_on"] / 1e3
    yield Figure("events that one session sustains, journal on", rate, "k/s", 20, 50, True, journal)


MEASURES = [live_decision]
