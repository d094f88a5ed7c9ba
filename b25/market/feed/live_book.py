"""One book of a feed over time: when it needs a snapshot, whether it may be traded on, and how old its data are. No I/O."""

from collections import deque
from collections.abc import Callable, Iterator

from b25.market.feed import desk_layout as outcome
from b25.market.feed.arrivals import Arrivals
from b25.market.feed.binance_streams import Stream
from b25.market.feed.desk import Desk
from b25.market.feed.news import Kind, News
from b25.market.feed.pacing import NS_PER_S, Backoff, Recently, ns
from b25.market.feed.settings import FeedSettings
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS

MINUTE_NS = 60 * NS_PER_S
RANGES = 14  # minutes that an average range is of
CALM_AFTER_NS = 60 * NS_PER_S  # in sync for so long, the next resync begins with the first wait
GONE, CHAIN, ANEW = "no connection", "no true book", "begun anew"


class LiveBook:
    """A desk with its needs.

    Parameters
    ----------
    number : int
        Its place among the feed's books.
    name : str
        For people, e.g. ``binanceusdm ETH/USDT:USDT``.
    desk : Desk
    streams : tuple of str
        What is subscribed for it.
    settings : FeedSettings
    chance : callable
        Uniform on [0, 1).
    """

    def __init__(
        self, number: int, name: str, desk: Desk, streams: tuple[Stream, ...], settings: FeedSettings, chance: Callable[[], float]
    ) -> None:
        self.number, self.name, self.desk, self.streams, self.settings = number, name, desk, streams, settings
        self.has_depth = "depth" in streams
        self.held: dict[str, str] = {GONE: "not connected yet"}
        self.is_halted = False
        self.asked_ns: int | None = None  # a snapshot is on its way since
        self.snapshot_due_ns = 0
        self.wants_refresh = False  # a snapshot, though the book does not need one
        self.synced_ns = 0
        self.backoff = Backoff(settings.resync_first_s, settings.resync_max_s, chance)
        self.resyncs = Recently(300.0)
        self.prints, self.quotes = Arrivals(), Arrivals()
        self.reopen = Backoff(settings.reconnect_after_s, settings.halt_after_s, chance)
        self.reopen_due_ns: int | None = None
        self.started_ns = self.since_ns = 0  # the first tick, and the last subscription
        self.skew_ns: int | None = None
        self.is_skewed = False
        self.minute_ns = 0
        self.low_ticks = self.high_ticks = 0
        self.ranges: deque[int] = deque(maxlen=RANGES)
        if self.has_depth:
            self.held[CHAIN] = "no snapshot yet"

    @property
    def is_tradable(self) -> bool:
        """Whether nothing speaks against trading on this book."""
        return not self.held and (not self.has_depth or self.desk.is_healthy)

    def hold(self, key: str, why: str, now_ns: int) -> Iterator[News]:
        """Hold for a reason; told when it is the first one."""
        first = not self.held
        self.held[key] = why
        if first:
            yield News(Kind.HOLD, now_ns, why, self.number)

    def release(self, key: str, now_ns: int) -> Iterator[News]:
        """End a reason to hold; told when it was the last one."""
        if self.held.pop(key, None) is not None and not self.held:
            self.is_halted = False
            yield News(Kind.LIVE, now_ns, "data are whole and fresh", self.number)

    def subscribed(self, now_ns: int) -> None:
        """Count ages from here where nothing newer came."""
        self.since_ns = now_ns
        self.reopen_due_ns = None

    def gap(self, why: str, now_ns: int) -> Iterator[News]:
        """The chain is broken; a snapshot is due at once, or after a wait when the last one is not long ago."""
        yield News(Kind.GAP, now_ns, why, self.number)
        yield from self.hold(CHAIN, why, now_ns)
        if self.synced_ns and now_ns - self.synced_ns > CALM_AFTER_NS:
            self.backoff.reset()
        self.synced_ns = 0
        self.snapshot_due_ns = now_ns if self.backoff.tries == 0 else now_ns + self.backoff.next_ns()
        if self.resyncs.add(now_ns) > self.settings.resyncs_alarm:
            yield News(Kind.ALARM, now_ns, f"{len(self.resyncs.times)} resyncs in five minutes", self.number)

    def begin_anew(self, why: str, now_ns: int) -> Iterator[News]:
        """Distrust the book; its next diff breaks the chain, and a snapshot follows."""
        self.desk.distrust()
        yield from self.hold(ANEW, why, now_ns)

    def doubt(self, why: str, now_ns: int) -> Iterator[News]:
        """A message was refused that may have been a link of the chain: hold until the next diff tells."""
        if self.has_depth:
            yield from self.hold(CHAIN, why, now_ns)

    def wants_snapshot(self, now_ns: int) -> bool:
        """Whether to fetch one now: diffs wait for it, or none has come and the book may simply be quiet."""
        if not self.has_depth or self.asked_ns is not None or now_ns < self.snapshot_due_ns:
            return False
        if not self.desk.needs_snapshot:
            return self.wants_refresh
        quiet_ns = ns(self.settings.first_message_within_s)
        return int(self.desk.state["waiting_diffs"]) > 0 or (self.since_ns > 0 and now_ns - self.since_ns > quiet_ns)

    def asked(self, now_ns: int) -> None:
        """A snapshot was asked for."""
        self.asked_ns = now_ns

    def took_snapshot(self, done: int, now_ns: int) -> Iterator[News]:
        """What the desk said of a snapshot."""
        self.asked_ns, self.wants_refresh = None, False
        if done in (outcome.BRIDGED, outcome.BRIDGED_CROSSED):
            self.held.pop(ANEW, None)
            yield from self.synced(now_ns)
            if done == outcome.BRIDGED_CROSSED:
                self.desk.begin_anew()
                yield from self.begin_anew("the book is crossed after a snapshot", now_ns)
        elif done == outcome.BRIDGED_TO_GAP:
            yield from self.gap("the snapshot does not reach the diffs", now_ns)
            self.snapshot_due_ns = max(self.snapshot_due_ns, now_ns + self.backoff.next_ns())
        elif done != outcome.SPARE:
            self.snapshot_due_ns = now_ns + self.backoff.next_ns()

    def snapshot_failed(self, why: str, now_ns: int, *, wait_s: float = 0.0, for_good: bool = False) -> Iterator[News]:
        """No snapshot came; ask again later, not before the venue's own wait is over."""
        self.asked_ns = None
        wait_ns = max(self.backoff.next_ns(), ns(wait_s))
        self.snapshot_due_ns = now_ns + (max(wait_ns, ns(self.settings.wait_max_s)) if for_good else wait_ns)
        yield News(Kind.UNAVAILABLE if for_good else Kind.REFUSED, now_ns, why, self.number)

    def synced(self, now_ns: int) -> Iterator[News]:
        """Tell that the book is true, once it is: a snapshot newer than all diffs waits for the one that continues it."""
        if self.desk.is_synced and CHAIN in self.held:
            self.synced_ns = now_ns
            if self.backoff.tries == 0:
                self.backoff.tries = 1  # the first resync after this waits, if it is soon
            yield News(Kind.SYNCED, now_ns, f"the book is true at update {int(self.desk.state['last_id'])}", self.number)
            yield from self.release(CHAIN, now_ns)

    def tick(self, now_ns: int) -> Iterator[News]:
        """Judge the age of the data, the skew, and what is absurd."""
        self.started_ns = self.started_ns or now_ns
        if GONE not in self.held:
            yield from self._judge_ages(now_ns)
        elif now_ns - max(self.newest_ns(), self.started_ns) > ns(self.settings.halt_after_s):
            yield from self._halt(now_ns)
        skew_ns = self.desk.measure_skew()
        if skew_ns is not None:
            self.skew_ns = skew_ns
            limit_ns = ns(self.settings.skew_alarm_s)
            if abs(skew_ns) > limit_ns and not self.is_skewed:
                self.is_skewed = True
                yield News(Kind.ALARM, now_ns, f"the venue's clock is {skew_ns / 1e9:+.3f} s from ours", self.number)
            elif abs(skew_ns) < limit_ns // 2:
                self.is_skewed = False
        self._measure_band(now_ns)

    def age_ns(self, now_ns: int) -> int:
        """Time since the newest diff, or since the subscription."""
        return now_ns - max(int(self.desk.state["diff_recv_ns"]), self.since_ns)

    def _judge_ages(self, now_ns: int) -> Iterator[News]:
        settings = self.settings
        worst_ns, limit_ns = 0, 1
        if self.has_depth:
            worst_ns, limit_ns = self.age_ns(now_ns), ns(settings.hold_after_s)
            yield from self._judge("depth", worst_ns, limit_ns, now_ns)
        for stream, arrivals, known in (("trades", self.prints, "print_recv_ns"), ("bookTicker", self.quotes, "quote_recv_ns")):
            late_ns = arrivals.late_after_ns(settings.trades_factor, ns(settings.trades_floor_s))
            if late_ns is not None:
                age_ns = now_ns - max(int(self.desk.state[known]), self.since_ns)
                yield from self._judge(stream, age_ns, late_ns, now_ns)
                if age_ns * limit_ns > worst_ns * late_ns:
                    worst_ns, limit_ns = age_ns, late_ns
        scale = max(1.0, limit_ns / ns(settings.hold_after_s))  # of a slow stream, all three limits are wider
        if worst_ns < limit_ns:
            self.reopen.reset()
            self.reopen_due_ns = None
        elif self.reopen_due_ns is None:
            self.reopen_due_ns = now_ns - worst_ns + round(scale * self.reopen.next_ns())
        if worst_ns > limit_ns and now_ns - max(self.newest_ns(), self.started_ns) > scale * ns(settings.halt_after_s):
            yield from self._halt(now_ns)

    def newest_ns(self) -> int:
        """When the newest message of any kind came."""
        return max(int(self.desk.state[name]) for name in ("diff_recv_ns", "print_recv_ns", "quote_recv_ns"))

    def _halt(self, now_ns: int) -> Iterator[News]:
        if not self.is_halted:
            self.is_halted = True
            age_s = (now_ns - max(self.newest_ns(), self.started_ns)) / 1e9
            yield News(Kind.HALT, now_ns, f"no data for {age_s:.0f} s", self.number)

    def _judge(self, stream: str, age_ns: int, limit_ns: int, now_ns: int) -> Iterator[News]:
        if age_ns > limit_ns:
            yield from self.hold(stream, f"no {stream} for {age_ns / 1e9:.1f} s", now_ns)
        else:
            yield from self.release(stream, now_ns)

    def wants_new_socket(self, now_ns: int) -> bool:
        """Whether the data have been missing for so long that another socket should be tried; asks once a wait."""
        if self.reopen_due_ns is None or now_ns < self.reopen_due_ns:
            return False
        self.reopen_due_ns = now_ns + self.reopen.next_ns()
        return True

    def _measure_band(self, now_ns: int) -> None:
        """How far from the touch a print or quote may lie: a multiple of the average range of a minute."""
        head = self.desk.ladder.head[0]
        bid, ask = int(head["best_bid_ticks"]), int(head["best_ask_ticks"])
        if not self.desk.is_healthy or bid == NO_BID_TICKS or ask == NO_ASK_TICKS:
            self.desk.state["band_ticks"] = 0
            return
        middle = (bid + ask) >> 1
        if now_ns - self.minute_ns >= MINUTE_NS:
            if self.minute_ns:
                self.ranges.append(self.high_ticks - self.low_ticks)
            self.minute_ns, self.low_ticks, self.high_ticks = now_ns, middle, middle
        self.low_ticks, self.high_ticks = min(self.low_ticks, middle), max(self.high_ticks, middle)
        average = sum(self.ranges) / len(self.ranges) if self.ranges else 0
        floor = self.settings.band_floor * middle
        self.desk.state["band_ticks"] = max(1, round(max(self.settings.band_factor * average, floor)))
