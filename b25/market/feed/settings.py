"""When a feed holds, reconnects and gives up: every threshold, with its unit."""

from dataclasses import dataclass

from b25.model.errors import Misuse


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """Thresholds of one feed.

    Attributes
    ----------
    hold_after_s, reconnect_after_s, halt_after_s : float
        Age of a book's data at which it is held (not traded on), its socket is opened anew, and the feed asks for a halt.
    trades_factor, trades_floor_s : float
        Trades and tickers are late after this many times the 99.9th percentile of the time between them, and never sooner than
        the floor.
    ping_after_s, pong_within_s : float
        Silence after which a ping is sent, and after which a socket that does not answer is dropped.
    ack_within_s, first_message_within_s : float
        For the answer to a SUBSCRIBE, and for the first message after it.
    roll_over_after_s, roll_over_within_s : float
        Age at which a socket is replaced, and how long the old one is kept for the new one to catch up.
    wait_first_s, wait_max_s : float
        Between attempts to connect; doubled each time, with jitter.
    resync_first_s, resync_max_s : float
        Between snapshots of one book; the first is fetched at once.
    resyncs_alarm : int
        More snapshots than this in five minutes are told as an alarm.
    snapshots_per_minute : int
        Of all books together; the budget that the venue's request weight leaves.
    snapshot_levels : int
        Depth that is asked for.
    requests_per_s : int
        Messages sent on one socket.
    connections_per_5_min : int
        The venue's limit is 300.
    ahead_s : float
        A venue time further ahead of ours, beyond the measured skew, is refused.
    skew_alarm_s : float
        Skew between the venue's clock and ours that is told.
    band_factor, band_floor : float
        A print or quote further from the touch than this many times the average range of a minute, and than this fraction of the
        price, is refused.
    spin_s : float
        For so long after a message the loop looks for the next one instead of sleeping: being woken takes longer than reading
        does. 0 never spins.
    sockets : int
        1, or 2 for a second independent one beside the first.
    """

    hold_after_s: float = 2.0
    reconnect_after_s: float = 10.0
    halt_after_s: float = 60.0
    trades_factor: float = 3.0
    trades_floor_s: float = 5.0
    ping_after_s: float = 5.0
    pong_within_s: float = 5.0
    ack_within_s: float = 5.0
    first_message_within_s: float = 5.0
    roll_over_after_s: float = 23 * 3600.0
    roll_over_within_s: float = 10.0
    wait_first_s: float = 1.0
    wait_max_s: float = 60.0
    resync_first_s: float = 0.5
    resync_max_s: float = 30.0
    resyncs_alarm: int = 3
    snapshots_per_minute: int = 40
    snapshot_levels: int = 1000
    requests_per_s: int = 4
    connections_per_5_min: int = 250
    ahead_s: float = 1.0
    skew_alarm_s: float = 0.25
    band_factor: float = 5.0
    band_floor: float = 0.01
    spin_s: float = 0.001
    sockets: int = 1

    def __post_init__(self) -> None:
        if self.sockets not in (1, 2):
            raise Misuse(f"{self.sockets} sockets", remedy="use 1, or 2 for an independent second one")
        if not 0 < self.hold_after_s < self.reconnect_after_s < self.halt_after_s:
            raise Misuse(
                f"hold after {self.hold_after_s:g} s, reconnect after {self.reconnect_after_s:g} s, "
                f"halt after {self.halt_after_s:g} s",
                remedy="let each be longer than the one before",
            )
