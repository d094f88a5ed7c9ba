"""The venue port on ccxt: every request is limited, signed when its caller said, sent once, and judged by b25's own table."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from b25.model.order import State
from b25.venue.ccxt import parse
from b25.venue.ccxt.calls import Caller
from b25.venue.ccxt.dialect import Call, Dialect
from b25.venue.ccxt.limiter import Lane, Limiter
from b25.venue.ccxt.listings import kind_of, listing_of, venue_name
from b25.venue.ccxt.profile import Profile
from b25.venue.ccxt.streams import user_hints
from b25.venue.port.outcome import Answer, Outcome, not_sent
from b25.venue.port.port import Abilities
from b25.venue.port.reports import (
    AssetTransfer,
    Balance,
    Candle,
    Fees,
    Funding,
    FundingPayment,
    Hint,
    Holding,
    Kind,
    Listing,
    OrderReport,
    Quote,
    TradeReport,
)
from b25.venue.port.requests import Amendment, NewOrder, OrderRef

# Venues whose signature holds the time. Kraken's holds a nonce that must never fall, and its clock tells whole seconds.
SIGNS_TIME = frozenset({"binance", "bybit", "okx", "gate"})
LEDGER_PAGE = 1_000
NO_OPEN_ORDERS = -2011  # what Binance's spot answers to cancelling all of nothing


class CcxtVenue:
    """One account at one exchange of ccxt.

    Parameters
    ----------
    api : ccxt.pro exchange
        Watched, and pointed where the profile says: see `connect`.
    profile : Profile
    dialect : Dialect
    now_ms : callable
        Local wall clock, ms.
    """

    def __init__(
        self, api: Any, profile: Profile, dialect: Dialect, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self.api, self.profile, self.dialect, self.now_ms = api, profile, dialect, now_ms
        self.limiter: Limiter | None = None  # that its requests pass; for whoever looks how much is left
        self._name = venue_name(profile.exchange, profile.kind)
        self._caller = Caller(api, profile.exchange)
        self._listings: dict[str, Listing] = {}

    @property
    def name(self) -> str:
        """Id of the venue, as in Instrument.venue."""
        return self._name

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        return self.dialect.abilities

    async def listings(self, *, reload: bool = False) -> Outcome[dict[str, Listing]]:
        """Instruments of the profile's kind by unified symbol; what makes no grid in whole ticks is left out."""

        def read(markets: dict[str, Any]) -> dict[str, Listing]:
            mine = (market for market in markets.values() if kind_of(market) is self.profile.kind)
            found = (listing_of(market, self.api.precisionMode, self.name) for market in mine)
            return {listing.instrument.symbol: listing for listing in found if listing is not None}

        outcome = await self._caller.ask(Call("load_markets", (reload,)), read)
        if outcome.value:
            self._listings = outcome.value
        return outcome

    async def server_time_ms(self) -> Outcome[int]:
        """The venue's clock, by which later requests are signed: measured at half of the round trip."""
        before_ms = self.now_ms()
        outcome = await self._caller.ask(Call("fetch_time"), int)
        after_ms = self.now_ms()
        if outcome.value is not None and self.profile.exchange in SIGNS_TIME:
            offset_ms = outcome.value - (before_ms + after_ms) // 2
            self.api.options["timeDifference"] = -offset_ms
        return outcome

    async def quote(self, symbol: str) -> Outcome[Quote]:
        """Best prices and the last one, of a ticker or, where that has no best prices, of the book too."""
        ticker = await self._caller.ask(Call("fetch_ticker", (symbol,)), parse.quote)
        if ticker.value is None or (ticker.value.bid and ticker.value.ask):
            return ticker
        book = await self._caller.ask(Call("fetch_order_book", (symbol, 5)), lambda told: _best(symbol, told))
        return book if book.value is None else replace(book, value=replace(book.value, last=ticker.value.last))

    async def candles(self, symbol: str, timeframe: str, *, since_ms: int = 0, limit: int = 500) -> Outcome[list[Candle]]:
        """One page of bars, oldest first; the last may not be closed yet."""
        return await self._caller.ask(Call("fetch_ohlcv", (symbol, timeframe, since_ms or None, limit)), parse.candles)

    async def submit(self, order: NewOrder) -> Outcome[OrderReport]:
        """Place an order, once."""
        listing = self._listings.get(order.symbol)
        if listing is None:
            return not_sent(f"{order.symbol} is not listed, or listings were not read", alarm=True)
        if not re.fullmatch(self.abilities.client_id_pattern, order.client_id):
            return not_sent(f"{self.name} takes no client id like {order.client_id!r}", alarm=True)
        if why := self.dialect.unfit(order, listing):
            return not_sent(why)
        instrument = listing.instrument
        qty = instrument.quantity(order.qty_lots)
        price = None if order.is_market else instrument.price(order.price_ticks)
        stop = instrument.price(order.stop_ticks) if order.stop_ticks else None
        if off := self._off_grid(order.symbol, qty, price):
            return off
        asked = OrderReport(
            symbol=order.symbol,
            venue_id="",
            client_id=order.client_id,
            state=State.OPEN,
            side=order.side,
            qty=qty,
            filled=Decimal(0),
            price=price,
            stop=stop,
            reduce_only=order.reduce_only,
            post_only=order.post_only,
            conditional=stop is not None and self.profile.exchange != "binance",
        )
        call = self.dialect.submit(order, plain(qty), text_of(price), text_of(stop))

        def read(told: Any) -> OrderReport:
            report = parse.order_report(told, asked)
            if report.client_id != order.client_id:
                raise ValueError(f"the answer is about {report.client_id!r}, not about {order.client_id!r}")
            return report

        return await self._caller.change(call, read, sign_ms=order.sign_ms)

    async def cancel(self, order: OrderRef) -> Outcome[OrderReport]:
        """Cancel an order; the answer may tell more executed than was known."""
        if order.symbol not in self._listings:
            return not_sent(f"{order.symbol} is not listed, or listings were not read", alarm=True)
        asked = self._as_asked(order)

        def read(told: Any) -> OrderReport:
            return parse.order_report(told, asked, needs_id=False)  # some venues answer with a count

        return await self._caller.change(self.dialect.cancel(order), read, Lane.CANCEL, sign_ms=order.sign_ms)

    async def cancel_all(self, symbol: str) -> Outcome[None]:
        """Cancel every order of a symbol. Of several answers the least certain is returned."""
        calls = self.dialect.cancel_all(symbol)
        if not calls:
            return await self._cancel_each(symbol)
        outcomes = []
        for call in calls:
            outcome = await self._caller.change(call, _nothing, Lane.CANCEL)
            if outcome.code == NO_OPEN_ORDERS and outcome.text.startswith("Unknown order sent"):
                outcome = Outcome(answer=Answer.ACCEPTED, http=outcome.http)
            outcomes.append(outcome)
        return least_certain(outcomes)

    async def _cancel_each(self, symbol: str) -> Outcome[None]:
        listed = await self.open_orders(symbol)
        if listed.value is None:
            return listed.without_value()
        refs = [OrderRef(symbol=symbol, venue_id=order.venue_id, conditional=order.conditional) for order in listed.value]
        outcomes: list[Outcome[Any]] = [(await self.cancel(ref)).without_value() for ref in refs]
        return least_certain([*outcomes, Outcome(answer=Answer.ACCEPTED)])

    async def amend(self, amendment: Amendment) -> Outcome[OrderReport]:
        """Change price and quantity of a resting order."""
        listing = self._listings.get(amendment.symbol)
        if listing is None:
            return not_sent(f"{amendment.symbol} is not listed, or listings were not read", alarm=True)
        qty, price = listing.instrument.quantity(amendment.qty_lots), listing.instrument.price(amendment.price_ticks)
        if off := self._off_grid(amendment.symbol, qty, price):
            return off
        call = self.dialect.amend(amendment, listing, plain(qty), plain(price)) if self.abilities.amend else None
        if call is None:
            return not_sent(f"{self.name} cannot amend this: it needs {'an id' if self.abilities.amend else 'cancel and new'}")
        asked = OrderReport(
            symbol=amendment.symbol,
            venue_id=amendment.venue_id,
            client_id=amendment.new_client_id or amendment.client_id,
            state=State.OPEN,
            side=amendment.side,
            qty=qty,
            filled=Decimal(0),
            price=price,
        )

        def read(told: Any) -> OrderReport:
            unified = self._unified(call, told, amendment.symbol)
            return parse.order_report({**unified, "id": asked.venue_id} if call.keeps_id else unified, asked)

        return await self._caller.change(call, read, sign_ms=amendment.sign_ms)

    async def order(self, order: OrderRef) -> Outcome[OrderReport]:
        """Ask for an order; QUERY when the venue knows none such, which proves nothing before its bound."""
        if not order.venue_id and not self.abilities.query_by_client_id:
            return not_sent(f"{self.name} finds no order by our id: look in open_orders and all_orders")
        if order.symbol not in self._listings:
            return not_sent(f"{order.symbol} is not listed, or listings were not read", alarm=True)
        call = self.dialect.query(order, self._listings[order.symbol])
        return await self._caller.ask(call, lambda told: parse.order_report(self._unified(call, told, order.symbol)))

    async def open_orders(self, symbol: str | None = None) -> Outcome[list[OrderReport]]:
        """Resting and waiting orders, ours and anybody's of the account. All or nothing."""
        found: list[OrderReport] = []
        for call in self.dialect.open_orders(symbol):
            outcome = await self._caller.ask(call, lambda orders: [parse.order_report(order) for order in orders])
            if outcome.value is None:
                return outcome
            found += outcome.value
        return replace(outcome, value=found)

    async def all_orders(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[OrderReport]]:
        """Orders of a symbol, ended ones too, oldest first."""

        def read(orders: list[Any]) -> list[OrderReport]:
            return sorted((parse.order_report(order) for order in orders), key=lambda order: order.time_ms)

        if self.api.has.get("fetchOrders"):
            return await self._caller.ask(Call("fetch_orders", (symbol, since_ms or None)), read)
        ended = await self._caller.ask(Call("fetch_closed_orders", (symbol, since_ms or None)), read)
        live = await self.open_orders(symbol)
        if ended.value is None or live.value is None:
            return ended if ended.value is None else live
        return replace(ended, value=sorted([*ended.value, *live.value], key=lambda order: order.time_ms))

    async def trades(self, symbol: str, *, after_id: str = "", since_ms: int = 0) -> Outcome[list[TradeReport]]:
        """One page of our executions, oldest first, of those after a trade id or since a time."""

        def read(trades: list[Any]) -> list[TradeReport]:
            found = sorted((parse.trade_report(trade) for trade in trades), key=lambda trade: trade.time_ms)
            ids = [trade.trade_id for trade in found]
            return found[ids.index(after_id) + 1 :] if after_id in ids else found

        return await self._caller.ask(self.dialect.trades(symbol, after_id, since_ms), read)

    async def balances(self) -> Outcome[dict[str, Balance]]:
        """What the account holds, by asset."""
        margined = self.profile.kind is not Kind.SPOT
        return await self._caller.ask(Call("fetch_balance"), lambda told: parse.balances(told, margined=margined))

    async def positions(self) -> Outcome[dict[str, Holding]]:
        """Positions other than zero, by symbol."""
        if not self.abilities.positions:
            return Outcome(answer=Answer.ACCEPTED, value={})

        def read(positions: list[Any]) -> dict[str, Holding]:
            found = [held for position in positions if (held := parse.holding(position)) is not None]
            kept = {held.symbol: held for held in found}
            if len(kept) < len(found):
                raise ValueError("two positions in one symbol: the account is in hedge mode")
            return kept

        return await self._caller.ask(Call("fetch_positions"), read)

    async def funding_rate(self, symbol: str) -> Outcome[Funding]:
        """The next funding."""
        if not self.abilities.funding:
            return not_sent(f"{self.name} has no funding")
        return await self._caller.ask(Call("fetch_funding_rate", (symbol,)), parse.funding)

    async def funding_history(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[Funding]]:
        """Past funding rates, oldest first."""
        if not self.abilities.funding:
            return not_sent(f"{self.name} has no funding")
        call = Call("fetch_funding_rate_history", (symbol, since_ms or None))
        return await self._caller.ask(call, lambda rates: sorted(map(parse.funding, rates), key=lambda rate: rate.time_ms))

    async def funding_payments(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[FundingPayment]]:
        """What our position was paid and paid, oldest first."""
        if not self.abilities.funding:
            return not_sent(f"{self.name} has no funding")
        call = Call("fetch_funding_history", (symbol, since_ms or None))
        return await self._caller.ask(call, lambda rows: sorted(map(parse.funding_payment, rows), key=lambda row: row.time_ms))

    async def transfers(self, *, since_ms: int = 0) -> Outcome[list[AssetTransfer]]:
        """What came in and left beside trading, oldest first; NOT_SENT where the venue does not tell."""
        if self.profile.kind is Kind.SPOT or not self.api.has.get("fetchLedger"):
            return not_sent(f"{self.name} does not list transfers")

        def read(entries: list[Any]) -> list[AssetTransfer]:
            moved = [entry for entry in entries if entry.get("type") in ("transfer", "deposit", "withdrawal")]
            return sorted(map(parse.asset_transfer, moved), key=lambda one: one.time_ms)

        params = {"incomeType": "TRANSFER"} if self.profile.exchange == "binance" else {}
        return await self._caller.ask(Call("fetch_ledger", (None, since_ms or None, LEDGER_PAGE), params), read)

    async def fees(self, symbol: str) -> Outcome[Fees]:
        """Our fees."""
        return await self._caller.ask(Call("fetch_trading_fee", (symbol,)), parse.fees)

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome[None]:
        """Set the leverage of a symbol."""
        if not self.abilities.leverage:
            return not_sent(f"{self.name} has no leverage to set")
        return await self._caller.change(Call("set_leverage", (leverage, symbol)), _nothing)

    async def countdown(self, symbol: str, after_ms: int) -> Outcome[None]:
        """Arm or end the venue's dead man's switch."""
        listing = self._listings.get(symbol)
        call = self.dialect.countdown(listing, after_ms) if listing else None
        if call is None:
            return not_sent(f"{self.name} has no countdown for {symbol}")
        return await self._caller.change(call, _nothing, Lane.CANCEL)

    def hints(self) -> AsyncIterator[Hint]:
        """The user's raw events until closed; its end or an error is a lost stream."""
        return user_hints(self.api, self.profile.kind)

    async def close(self) -> None:
        """Let go of sockets."""
        await self.api.close()

    def _off_grid(self, symbol: str, qty: Decimal, price: Decimal | None) -> Outcome[Any] | None:
        """Refuse what ccxt would round: what is sent must be what the gate approved, to the digit."""
        told = self.api.amount_to_precision(symbol, plain(qty)), price and self.api.price_to_precision(symbol, plain(price))
        if Decimal(told[0]) != qty or (price is not None and Decimal(str(told[1])) != price):
            return not_sent(f"{symbol}: {qty} at {price} would be sent as {told[0]} at {told[1]}", alarm=True)
        return None

    def _unified(self, call: Call, told: Any, symbol: str) -> Any:
        """What a raw method of ccxt answers, unified as its own methods would."""
        return told if call.raw is None else self.api.parse_order(call.raw(told), self.api.market(symbol))

    def _as_asked(self, order: OrderRef) -> OrderReport:
        """What a bare acknowledgement of a cancel means: done at Binance, elsewhere only heard, and the order may still trade."""
        return OrderReport(
            symbol=order.symbol,
            venue_id=order.venue_id,
            client_id=order.client_id,
            state=State.CANCELLED if self.profile.exchange == "binance" else State.OPEN,
            side=0,
            qty=Decimal(0),
            filled=Decimal(0),
            conditional=order.conditional,
        )


def plain(number: Decimal) -> str:
    """Digits without an exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _best(symbol: str, book: Any) -> Quote:
    bid, ask = (parse.decimal(book[side][0][0]) if book[side] else None for side in ("bids", "asks"))
    return Quote(symbol=symbol, bid=bid, ask=ask, last=None, time_ms=int(book.get("timestamp") or 0))


def text_of(number: Decimal | None) -> str | None:
    """Digits, or None."""
    return None if number is None else plain(number)


def least_certain(outcomes: list[Outcome[None]]) -> Outcome[None]:
    """Return the outcome of several requests for one purpose: done only when each is."""
    order = [Answer.UNKNOWN, Answer.QUERY, Answer.NOT_ACCEPTED, Answer.NOT_SENT, Answer.REJECTED, Answer.ACCEPTED]
    return min(outcomes, key=lambda outcome: order.index(outcome.answer))


def _nothing(told: Any) -> None:
    return None
