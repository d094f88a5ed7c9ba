"""How much a client may ask for: request weight by address, orders by account, and what follows when it asks for more.

Over the limit the answer is 429 with `Retry-After`; who goes on asking is banned with 418, each time for twice as long. Windows
are aligned to the clock, as Binance's are. Spot counts unfilled orders: one more for each new order, one less at its first
fill as taker, five less at its first fill as maker, never below zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from b25.venue.exchange.errors import VenueError

MINUTE_MS = 60_000
DAY_MS = 86_400_000
ADDRESSES_MAX = 10_000
_UNITS = {1_000: "SECOND", MINUTE_MS: "MINUTE", 3_600_000: "HOUR", DAY_MS: "DAY"}
_LETTERS = {"SECOND": "S", "MINUTE": "M", "HOUR": "H", "DAY": "D"}


class LimitError(VenueError):
    """A refusal that says, in its headers, when to come back."""

    def __init__(self, http: int, code: int, msg: str, headers: dict[str, str]) -> None:
        super().__init__(code, msg, http)
        self.headers = headers


@dataclass(frozen=True)
class Window:
    """So many of something in each span of time."""

    kind: str
    span_ms: int
    limit: int

    @cached_property
    def unit(self) -> str:
        """SECOND, MINUTE, HOUR or DAY."""
        return next(name for ms, name in reversed(_UNITS.items()) if self.span_ms % ms == 0)

    @cached_property
    def number(self) -> int:
        """How many units the span has."""
        return self.span_ms // next(ms for ms, name in _UNITS.items() if name == self.unit)

    @cached_property
    def header(self) -> str:
        """Name of the header that tells how many orders were counted."""
        return f"X-MBX-ORDER-COUNT-{self.number}{_LETTERS[self.unit]}"

    def as_dict(self) -> dict[str, str | int]:
        """One item of exchangeInfo's `rateLimits`."""
        return {"rateLimitType": self.kind, "interval": self.unit, "intervalNum": self.number, "limit": self.limit}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLimits:
    """Limits of one market."""

    weight: Window
    raw: Window | None
    orders: tuple[Window, ...]
    unfilled_only: bool

    def rows(self) -> list[dict[str, str | int]]:
        """The list `rateLimits` of exchangeInfo."""
        windows = [self.weight, *self.orders, *([self.raw] if self.raw else [])]
        return [window.as_dict() for window in windows]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """All limits, with Binance's figures as defaults. `enabled=False` counts and never refuses."""

    enabled: bool = True
    spot_weight: int = 6_000
    spot_raw: int = 300_000
    spot_orders_10s: int = 50
    spot_orders_day: int = 160_000
    linear_weight: int = 2_400
    linear_orders_10s: int = 300
    linear_orders_minute: int = 1_200
    taker_credit: int = 1
    maker_credit: int = 5
    requests_after_429: int = 10
    ban_ms: int = 120_000
    ban_ms_max: int = 3 * DAY_MS

    def markets(self) -> dict[str, MarketLimits]:
        """Limits by market."""
        spot = MarketLimits(
            weight=Window("REQUEST_WEIGHT", MINUTE_MS, self.spot_weight),
            raw=Window("RAW_REQUESTS", 5 * MINUTE_MS, self.spot_raw),
            orders=(Window("ORDERS", 10_000, self.spot_orders_10s), Window("ORDERS", DAY_MS, self.spot_orders_day)),
            unfilled_only=True,
        )
        linear = MarketLimits(
            weight=Window("REQUEST_WEIGHT", MINUTE_MS, self.linear_weight),
            raw=None,
            orders=(Window("ORDERS", 10_000, self.linear_orders_10s), Window("ORDERS", MINUTE_MS, self.linear_orders_minute)),
            unfilled_only=False,
        )
        return {"spot": spot, "linear": linear}


@dataclass(slots=True)
class _Count:
    """What was used in the window that is current."""

    window: int = -1
    used: int = 0

    def at(self, now_ms: int, span_ms: int) -> "_Count":
        index = now_ms // span_ms
        if index != self.window:
            self.window = index
            self.used = 0
        return self


@dataclass(slots=True)
class _Address:
    """One client address on one market."""

    weight: _Count = field(default_factory=_Count)
    raw: _Count = field(default_factory=_Count)
    refused_until_ms: int = 0
    refused: int = 0
    banned_until_ms: int = 0
    bans: int = 0


class Limits:
    """Counters of all addresses and accounts.

    Parameters
    ----------
    settings : LimitSettings
        The limits.
    """

    def __init__(self, settings: LimitSettings | None = None) -> None:
        self.settings = settings or LimitSettings()
        self.markets = self.settings.markets()
        self._addresses: dict[tuple[str, str], _Address] = {}
        self._orders: dict[tuple[str, str], tuple[_Count, ...]] = {}

    def admit(self, market: str, address: str, weight: int, now_ms: int) -> int:
        """Charge a request.

        Parameters
        ----------
        market : {"spot", "linear"}
            Whose limits.
        address : str
            Where the request comes from.
        weight : int
            What it costs.
        now_ms : int
            Venue time.

        Returns
        -------
        int
            Weight used in this minute, for the header X-MBX-USED-WEIGHT-1M.
        """
        limits, state = self.markets[market], self._address(market, address)
        if state.banned_until_ms > now_ms:
            raise _banned(state, now_ms)
        if state.refused_until_ms > now_ms:
            self._insist(state, now_ms)
            raise self._too_much(limits.weight, state, now_ms)
        counted = state.weight.at(now_ms, limits.weight.span_ms)
        counted.used += weight
        if limits.raw is not None:
            raw = state.raw.at(now_ms, limits.raw.span_ms)
            raw.used += 1
            if raw.used > limits.raw.limit and self.settings.enabled:
                self._refuse(state, limits.raw, now_ms)
                raise self._too_much(limits.raw, state, now_ms)
        if counted.used > limits.weight.limit and self.settings.enabled:
            self._refuse(state, limits.weight, now_ms)
            raise self._too_much(limits.weight, state, now_ms)
        return counted.used

    def refund(self, market: str, address: str, weight: int) -> int:
        """Take a charge back (a successful order weighs nothing on spot); gives the weight used."""
        counted = self._address(market, address).weight
        counted.used = max(0, counted.used - weight)
        return counted.used

    def used_weight(self, market: str, address: str, now_ms: int) -> int:
        """Weight used in this minute."""
        return self._address(market, address).weight.at(now_ms, self.markets[market].weight.span_ms).used

    def check_orders(self, market: str, account: str, now_ms: int, orders: int = 1) -> None:
        """Refuse with -1015 when `orders` more do not fit."""
        if not self.settings.enabled:
            return
        windows = self.markets[market].orders
        for window, counted in zip(windows, self._counts(market, account), strict=True):
            if counted.at(now_ms, window.span_ms).used + orders > window.limit:
                text = f"Too many new orders; current limit is {window.limit} orders per {window.number} {window.unit}."
                raise LimitError(429, -1015, text, {"Retry-After": str(_seconds_left(window, now_ms))})

    def count_orders(self, market: str, account: str, now_ms: int, orders: int = 1) -> dict[str, str]:
        """Count orders that were accepted; gives the headers X-MBX-ORDER-COUNT-…."""
        headers = {}
        for window, counted in zip(self.markets[market].orders, self._counts(market, account), strict=True):
            counted.at(now_ms, window.span_ms).used += orders
            headers[window.header] = str(counted.used)
        return headers

    def first_fill(self, market: str, account: str, *, maker: bool, now_ms: int) -> None:
        """Give back what an order's first fill gives back."""
        if not self.markets[market].unfilled_only:
            return
        credit = self.settings.maker_credit if maker else self.settings.taker_credit
        for window, counted in zip(self.markets[market].orders, self._counts(market, account), strict=True):
            current = counted.at(now_ms, window.span_ms)
            current.used = max(0, current.used - credit)

    def order_rows(self, market: str, account: str, now_ms: int) -> list[dict[str, str | int]]:
        """The answer of GET rateLimit/order."""
        rows = []
        for window, counted in zip(self.markets[market].orders, self._counts(market, account), strict=True):
            rows.append({**window.as_dict(), "count": counted.at(now_ms, window.span_ms).used})
        return rows

    def ban(self, market: str, address: str, for_ms: int, now_ms: int) -> None:
        """Ban an address now."""
        self._address(market, address).banned_until_ms = now_ms + for_ms

    def forgive(self) -> None:
        """Forget every counter and ban."""
        self._addresses.clear()
        self._orders.clear()

    def as_dict(self, now_ms: int) -> Mapping[str, object]:
        """What is used now, for the status page."""
        return {
            f"{market} {address}": {"weight": state.weight.used, "banned_until_ms": max(0, state.banned_until_ms)}
            for (market, address), state in self._addresses.items()
        }

    def _address(self, market: str, address: str) -> _Address:
        state = self._addresses.get((market, address))
        if state is None:
            while len(self._addresses) >= ADDRESSES_MAX:
                self._addresses.pop(next(iter(self._addresses)))
            state = self._addresses[market, address] = _Address()
        return state

    def _counts(self, market: str, account: str) -> tuple[_Count, ...]:
        counts = self._orders.get((market, account))
        if counts is None:
            counts = self._orders[market, account] = tuple(_Count() for _ in self.markets[market].orders)
        return counts

    def _refuse(self, state: _Address, window: Window, now_ms: int) -> None:
        state.refused_until_ms = now_ms + 1_000 * _seconds_left(window, now_ms)
        state.refused = 0

    def _insist(self, state: _Address, now_ms: int) -> None:
        """One more request inside Retry-After; too many of them are a ban."""
        state.refused += 1
        if state.refused > self.settings.requests_after_429:
            span_ms = min(self.settings.ban_ms * 2**state.bans, self.settings.ban_ms_max)
            state.bans += 1
            state.banned_until_ms = now_ms + span_ms
            state.refused_until_ms = 0
            raise _banned(state, now_ms)

    def _too_much(self, window: Window, state: _Address, now_ms: int) -> LimitError:
        what = "request weight" if window.kind == "REQUEST_WEIGHT" else "requests"
        used = "request weight used" if window.kind == "REQUEST_WEIGHT" else "requests"
        text = (
            f"Too much {used}; current limit is {window.limit} {what} per {window.number} {window.unit}. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        wait_s = max(1, -(-(state.refused_until_ms - now_ms) // 1_000))
        return LimitError(429, -1003, text, {"Retry-After": str(wait_s)})


def _banned(state: _Address, now_ms: int) -> LimitError:
    text = (
        f"Way too much request weight used; IP banned until {state.banned_until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )
    return LimitError(418, -1003, text, {"Retry-After": str(-(-(state.banned_until_ms - now_ms) // 1_000))})


def _seconds_left(window: Window, now_ms: int) -> int:
    return max(1, -(-(window.span_ms - now_ms % window.span_ms) // 1_000))
