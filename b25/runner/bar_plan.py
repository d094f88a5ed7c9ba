"""Which bars a session runs on and where its past ones come from, decided before it starts."""

import ssl
from collections.abc import Sequence
from typing import Final

from b25.market.bar_history import BinanceHistory, CcxtHistory, History
from b25.market.feed.binance_streams import Address, address_of
from b25.market.record_instruments import FAST_VENUES
from b25.market.venue_names import market_of
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.runner.bar_feeding import BarFeeding
from b25.session.bar_events import BarFrames, frames_of
from b25.session.gateway import Say
from b25.strategy.strategy import Strategy

NEVER_CALLED: Final = ("on_book", "on_trade", "on_gap")
WARM_UP: Final = 200  # bars before the start, unless it is said


def frames_for(cls: type[Strategy], timeframe: str, warm_up: int | None) -> tuple[BarFrames | None, int]:
    """Return the bars that a class runs on, None for one on ticks, and how many of the past it sees.

    Parameters
    ----------
    cls : type of Strategy
    timeframe : str
        As a person gave it; empty leaves it to the class.
    warm_up : int, optional
        As a person gave it.

    Raises
    ------
    Misuse
        When a class on ticks is given a timeframe, or one on bars none.
    """
    if "on_bar" not in cls.callbacks():
        if timeframe or warm_up:
            raise Misuse(f"{cls.__name__} has no on_bar: it runs on ticks", remedy="leave out --timeframe and --warm-up")
        return None, 0
    frames = frames_of(cls, timeframe)
    if warm_up is not None and warm_up < 0:
        raise Misuse(f"a warm-up of {warm_up} bars", remedy="give 0 or more")
    if frames.timed is None and warm_up:
        raise Misuse(f"a venue tells no past bars of {frames.base.name}", remedy="use --warm-up 0: they begin with the session")
    return frames, (0 if frames.timed is None else WARM_UP) if warm_up is None else warm_up


def check_bars(cls: type[Strategy], frames: BarFrames | None, instruments: Sequence[Instrument]) -> None:
    """Refuse a class that would not be called live as it is in a backtest.

    Raises
    ------
    Misuse
        For bars without `on_bar` or the other way round, callbacks of ticks beside it, and declared features.
    """
    name = cls.__name__
    if "on_bar" not in cls.callbacks():
        if frames is not None:
            raise Misuse(f"{name} has no on_bar: it runs on ticks", remedy="leave out its timeframe")
        return
    if frames is None:
        raise Misuse(f"{name} runs on bars, and nothing says which", remedy="give a timeframe such as 1m")
    never = [one for one in NEVER_CALLED if one in cls.callbacks()]
    if never:
        raise Misuse(f"{name}.{never[0]} is never called on bars", remedy="write on_bar alone, or none")
    if cls.features:
        raise Misuse(
            f"{name} declares features, which are computed from whole data and not live yet: {', '.join(cls.features)}",
            remedy="compute them in on_bar, with indicators and windows",
        )
    if frames.timed is None and len(instruments) > 1:
        raise Misuse(f"bars of {frames.base.name} of several instruments close at different times", remedy="use bars by time")


def bars_of(
    instruments: Sequence[Instrument],
    frames: BarFrames,
    say: Say,
    *,
    warm_up: int,
    address: Address | None = None,
    tls: ssl.SSLContext | None = None,
) -> BarFeeding:
    """Put together what makes bars of a session's feed."""
    history: History | None = None
    venue = instruments[0].venue
    if frames.timed is not None:
        if venue in FAST_VENUES:
            rest_url = (address or address_of(market_of(venue))).snapshot_url.rsplit("/", 1)[0]
            history = BinanceHistory(instruments, rest_url, tls)
        else:
            history = CcxtHistory(instruments)
    return BarFeeding(instruments, frames, history, say, warm_up=warm_up)
