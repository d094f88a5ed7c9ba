"""The venue port on the exchange itself: no HTTP, no clock of its own, the same matching core and the same refusals."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from b25.model.order import Tif
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.events import Liquidation, UserEvent
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listing import Listing as Listed
from b25.venue.exchange.listing import PublicTrade
from b25.venue.in_process import reports
from b25.venue.in_process.requests import algo_order, plain_order
from b25.venue.port.outcome import Outcome, accepted, not_sent
from b25.venue.port.port import Abilities
from b25.venue.port.reports import (
    AssetTransfer,
    Balance,
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
from b25.venue.port.requests import Amendment, NewOrder, OrderRef, SelfTrade, Signed
from b25.venue.wire.render_user import payloads

T = TypeVar("T")
CLIENT_ID: Final = r"[.A-Z:/a-z0-9_-]{1,36}"
AHEAD_MS_MAX: Final = 1000
RATE_E8: Final = Decimal(10**8)
PAGE: Final = 1000


class InProcessVenue:
    """One account in one market of an exchange in this process.

    Parameters
    ----------
    exchange : Exchange
    account : Account
    market : str
        ``"spot"`` or ``"linear"``.
    now_ms : callable, optional
        Time to advance the exchange to before each request; left out, somebody else advances it.
    """

    def __init__(self, exchange: Exchange, account: Account, market: str, *, now_ms: Callable[[], int] | None = None) -> None:
        self.exchange, self.account, self.market, self.now_ms = exchange, account, market, now_ms
        self.kind = Kind(market)
        self._sinks: list[_UserSink] = []

    @property
    def name(self) -> str:
        """Id of the venue, as in Instrument.venue."""
        return reports.venue_name(self.market)

    @property
    def abilities(self) -> Abilities:
        """As Binance's."""
        margined = self.market == "linear"
        return Abilities(
            client_id_pattern=CLIENT_ID,
            amend=True,
            query_by_client_id=True,
            positions=margined,
            leverage=margined,
            funding=margined,
            countdown=margined,
        )

    async def listings(self, *, reload: bool = False) -> Outcome[dict[str, Listing]]:
        """Every instrument by unified symbol."""
        self._advance()
        found = (reports.listing_report(listed) for listed in self.exchange.market(self.market).values())
        return accepted({listing.instrument.symbol: listing for listing in found})

    async def server_time_ms(self) -> Outcome[int]:
        """The exchange's clock."""
        self._advance()
        return accepted(self.exchange.now_ms)

    async def quote(self, symbol: str) -> Outcome[Quote]:
        """Best prices and the last one."""
        return self._on(symbol, reports.quote)

    async def submit(self, order: NewOrder) -> Outcome[OrderReport]:
        """Place an order."""
        if not re.fullmatch(CLIENT_ID, order.client_id):
            return not_sent(f"{self.name} takes no client id like {order.client_id!r}", alarm=True)
        if self.market == "spot" and order.reduce_only and order.side > 0:
            return not_sent("a spot account has nothing that buying reduces")

        def place(listed: Listed) -> OrderReport:
            if order.stop_ticks and self.market == "linear":
                return reports.algo_report(self.exchange.linear_algos.place(self.account, algo_order(order, listed)))
            return reports.order_report(self._desk.place(self.account, plain_order(order, listed, self.market)))

        return self._on(order.symbol, place, order)

    async def cancel(self, order: OrderRef) -> Outcome[OrderReport]:
        """Cancel an order."""

        def pull(listed: Listed) -> OrderReport:
            if order.conditional and self.market == "linear":
                return reports.algo_report(self.exchange.linear_algos.cancel(self.account, **_ids(order, "algo_id")))
            return reports.order_report(self._desk.cancel(self.account, listed.name, **_ids(order, "order_id")))

        return self._on(order.symbol, pull, order)

    async def cancel_all(self, symbol: str) -> Outcome[None]:
        """Cancel every order of a symbol, conditional ones too."""

        def pull(listed: Listed) -> None:
            if self.market == "linear":
                self.exchange.linear_orders.cancel_all(self.account, listed.name)
                self.exchange.linear_algos.cancel_all(self.account, listed.name)
            elif self.exchange.spot_orders.open_orders(self.account, listed.name):
                self.exchange.spot_orders.cancel_all(self.account, listed.name)
            else:
                self.exchange.spot_orders.check_may_cancel(self.account)

        return self._on(symbol, pull)

    async def amend(self, amendment: Amendment) -> Outcome[OrderReport]:
        """Change an order on futures; on spot put another in its place, which needs an id of its own."""

        def change(listed: Listed) -> OrderReport:
            named = _ids(amendment, "order_id")
            instrument = reports.listing_report(listed).instrument
            qty, price = instrument.quantity(amendment.qty_lots), instrument.price(amendment.price_ticks)
            if self.market == "linear":
                side = "BUY" if amendment.side > 0 else "SELL"
                order = self.exchange.linear_orders.amend(self.account, listed.name, side, quantity=qty, price=price, **named)
                return reports.order_report(order)
            new = NewOrder(
                symbol=amendment.symbol,
                client_id=amendment.new_client_id,
                side=amendment.side,
                qty_lots=amendment.qty_lots,
                price_ticks=amendment.price_ticks,
                post_only=amendment.post_only,
                tif=Tif.GTC,
                self_trade=SelfTrade.NONE,
            )
            request = plain_order(new, listed, self.market)
            replaced = self.exchange.spot_orders.cancel_replace(self.account, request, mode="STOP_ON_FAILURE", **named)
            return reports.order_report(replaced.placed)

        if self.market == "spot" and not amendment.new_client_id:
            return not_sent(f"{self.name} cannot amend this: it needs an id")
        return self._on(amendment.symbol, change, amendment)

    async def order(self, order: OrderRef) -> Outcome[OrderReport]:
        """Tell the state of an order."""

        def look(listed: Listed) -> OrderReport:
            if order.conditional and self.market == "linear":
                return reports.algo_report(self.exchange.linear_algos.order(self.account, **_ids(order, "algo_id")))
            return reports.order_report(self._desk.order(self.account, listed.name, **_ids(order, "order_id")))

        return self._on(order.symbol, look)

    async def open_orders(self, symbol: str | None = None) -> Outcome[list[OrderReport]]:
        """Resting and waiting orders."""

        def look(name: str | None) -> list[OrderReport]:
            found = [reports.order_report(order) for order in self._desk.open_orders(self.account, name)]
            if self.market == "linear":
                found += [reports.algo_report(algo) for algo in self.exchange.linear_algos.open_orders(self.account, name)]
            return found

        if symbol is not None:
            return self._on(symbol, lambda listed: look(listed.name))
        self._advance()
        return accepted(look(None))

    async def all_orders(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[OrderReport]]:
        """Orders of a symbol, ended ones too, oldest first."""

        def look(listed: Listed) -> list[OrderReport]:
            return [
                reports.order_report(order)
                for order in self._desk.all_orders(self.account, listed.name, start_ms=since_ms or None, limit=PAGE)
            ]

        return self._on(symbol, look)

    async def trades(self, symbol: str, *, after_id: str = "", since_ms: int = 0) -> Outcome[list[TradeReport]]:
        """One page of our executions, oldest first."""

        def look(listed: Listed) -> list[TradeReport]:
            span = {"start_ms": since_ms} if since_ms and not after_id else {"from_id": int(after_id or -1) + 1}
            orders = self.account.store(self.market).orders.get(listed.name, {})
            fills = self._desk.my_trades(self.account, listed.name, limit=PAGE, **span)
            return [
                reports.trade_report(fill, listed, order.client_id if (order := orders.get(fill.order_id)) else "")
                for fill in fills
            ]

        return self._on(symbol, look)

    async def balances(self) -> Outcome[dict[str, Balance]]:
        """What the account holds, by asset."""
        self._advance()
        held: list[Balance] = []
        if self.market == "spot":
            for state in self.exchange.spot_orders.balances(self.account, omit_zero=True):
                free, used = reports.money(state.free), reports.money(state.locked)
                held.append(Balance(asset=state.asset, free=free, used=used, total=free + used, wallet=free + used))
        else:
            for asset in self.exchange.linear_views.account(self.account).assets:
                if asset.wallet or asset.margin_balance:
                    free, total = reports.money(asset.available), reports.money(asset.margin_balance)
                    wallet = reports.money(asset.wallet)
                    held.append(Balance(asset=asset.asset, free=free, used=total - free, total=total, wallet=wallet))
        return accepted({balance.asset: balance for balance in held})

    async def positions(self) -> Outcome[dict[str, Holding]]:
        """Positions other than zero, by symbol."""
        self._advance()
        if self.market == "spot":
            return accepted({})
        risks = [risk for risk in self.exchange.linear_views.positions(self.account) if risk.state.lots]
        held = [reports.holding(risk) for risk in risks]
        return accepted({one.symbol: one for one in held})

    async def funding_rate(self, symbol: str) -> Outcome[Funding]:
        """The next funding."""

        def look(listed: Listed) -> Funding:
            mark = listed.mark
            assert mark is not None
            return Funding(
                symbol=symbol,
                rate=Decimal(mark.rate_e8) / RATE_E8,
                time_ms=mark.next_funding_ms,
                mark_price=Decimal(listed.price_text(mark.mark_ticks)),
                index_price=Decimal(listed.price_text(mark.index_ticks)),
            )

        return self._on_margined(symbol, look)

    async def funding_history(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[Funding]]:
        """Past funding rates, oldest first."""

        def look(listed: Listed) -> list[Funding]:
            assert listed.mark is not None
            return [
                Funding(
                    symbol=symbol, rate=Decimal(rate_e8) / RATE_E8, time_ms=time_ms, mark_price=Decimal(listed.price_text(ticks))
                )
                for time_ms, rate_e8, ticks in listed.mark.history
                if time_ms >= since_ms
            ]

        return self._on_margined(symbol, look)

    async def funding_payments(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[FundingPayment]]:
        """What our position was paid and paid, oldest first."""

        def look(listed: Listed) -> list[FundingPayment]:
            rows = self.exchange.linear_views.income(
                self.account, symbol=listed.name, kind="FUNDING_FEE", start_ms=since_ms, limit=PAGE
            )
            return [reports.funding_payment(symbol, row) for row in rows]

        return self._on_margined(symbol, look)

    async def transfers(self, *, since_ms: int = 0) -> Outcome[list[AssetTransfer]]:
        """What came in and left beside trading, oldest first; the spot market keeps no list of it."""
        self._advance()
        if self.market == "spot":
            return not_sent("the spot market does not list deposits")
        rows = self.exchange.linear_views.income(self.account, kind="TRANSFER", start_ms=since_ms, limit=PAGE)
        return accepted([reports.asset_transfer(row) for row in rows])

    async def fees(self, symbol: str) -> Outcome[Fees]:
        """Our fees."""

        def look(listed: Listed) -> Fees:
            maker, taker = self._desk.fees_ppm(self.account, listed.name)
            return Fees(symbol=symbol, maker=Decimal(maker).scaleb(-6), taker=Decimal(taker).scaleb(-6))

        return self._on(symbol, look)

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome[None]:
        """Set the leverage of a symbol."""

        def change(listed: Listed) -> None:
            self.exchange.linear_settings.set_leverage(self.account, listed.name, leverage)

        return self._on_margined(symbol, change)

    async def countdown(self, symbol: str, after_ms: int) -> Outcome[None]:
        """Arm or end the dead man's switch."""

        def change(listed: Listed) -> None:
            self.exchange.linear_orders.countdown(self.account, listed.name, after_ms)

        return self._on_margined(symbol, change)

    async def hints(self) -> AsyncIterator[Hint]:
        """The account's events in this market, as they go over the wire."""
        sink = _UserSink(self.account, self.market, self.exchange)
        self.exchange.sinks.append(sink)
        self._sinks.append(sink)
        try:
            while (hint := await sink.queue.get()) is not None:
                yield hint
        finally:
            self.exchange.sinks.remove(sink)
            self._sinks.remove(sink)

    async def close(self) -> None:
        """End the hints."""
        for sink in self._sinks:
            sink.queue.put_nowait(None)

    @property
    def _desk(self) -> Any:
        return self.exchange.spot_orders if self.market == "spot" else self.exchange.linear_orders

    def _advance(self) -> None:
        if self.now_ms is not None:
            self.exchange.advance(self.now_ms())

    def _on(self, symbol: str, act: Callable[[Listed], T], signed: Signed | None = None) -> Outcome[T]:
        """Do something in a symbol, and turn a refusal into what it proves."""
        self._advance()
        listed = next((one for one in self.exchange.market(self.market).values() if reports.symbol_of(one) == symbol), None)
        if listed is None:
            return not_sent(f"{symbol} is not listed", alarm=True)
        try:
            if signed is not None and signed.sign_ms:
                check_window(signed, self.exchange.now_ms)
            return accepted(act(listed))
        except VenueError as error:
            return reports.refused(error, self.market)

    def _on_margined(self, symbol: str, act: Callable[[Listed], T]) -> Outcome[T]:
        return self._on(symbol, act) if self.market == "linear" else not_sent(f"{self.name} has no margin")


class _UserSink:
    """Keeps the events of one account in one market for whoever reads its hints."""

    def __init__(self, account: Account, market: str, exchange: Exchange) -> None:
        self.account, self.market, self.exchange = account, market, exchange
        self.queue: asyncio.Queue[Hint | None] = asyncio.Queue()

    def on_user(self, account: Account, event: UserEvent) -> None:
        if account is self.account and event.market == self.market:
            for payload in payloads(event, self.exchange.now_ms):
                self.queue.put_nowait(Hint(event=str(payload["e"]), raw=payload))

    def on_trades(self, listing: Listed, trades: Sequence[PublicTrade]) -> None:
        pass

    def on_book(self, listing: Listed) -> None:
        pass

    def on_status(self, listing: Listed) -> None:
        pass

    def on_mark(self, listing: Listed) -> None:
        pass

    def on_liquidation(self, liquidation: Liquidation) -> None:
        pass


def check_window(signed: Signed, now_ms: int) -> None:
    """Refuse what was signed too early or too late, as the wire does."""
    if signed.sign_ms >= now_ms + AHEAD_MS_MAX:
        raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - signed.sign_ms > signed.recv_window_ms:
        raise VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _ids(order: OrderRef | Amendment, name: str) -> dict[str, Any]:
    """By the venue's id when it is known, else by ours: the same as goes over the wire."""
    return {name: int(order.venue_id)} if order.venue_id else {"client_id": order.client_id}
