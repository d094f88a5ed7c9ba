"""Liquidation: the venue closes what its owner's margin no longer carries, and somebody pays for what is missing.

A position that must go is first offered to the book down to its bankruptcy price, the price at which its margin is used
up. What the book does not take is auto-deleveraged against accounts with the opposite position when the insurance fund
could not bear it, and else taken over by the fund at that price. What remains of the margin pays a liquidation fee into
the fund.
"""

from typing import TYPE_CHECKING

from b25.model.matching import MatchKind
from b25.model.order import Tif
from b25.venue.exchange.accounts import Account, book_account
from b25.venue.exchange.events import Liquidation, MarginCall
from b25.venue.exchange.linear_request import reference_ticks
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.margin import AssetMargin, PositionMargin, all_margins, sum_margins
from b25.venue.exchange.money import PPM, fee
from b25.venue.exchange.orders import Order
from b25.venue.exchange.positions import Position

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange


class Liquidator:
    """Looks at margins after each mark, and acts."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self._closed = 0

    def check_all(self) -> None:
        """Look at every account that holds a position."""
        for account in list(self.exchange.accounts.values()):
            if account.linear.open_positions():
                self.check(account)

    def check(self, account: Account) -> None:
        """Liquidate what must be, and call for margin where it is near."""
        for margin in self._margins(account):
            if margin.isolated and margin.position.lots:
                equity = margin.position.isolated_wallet + margin.unrealised
                if equity <= margin.maintenance:
                    self.liquidate(account, margin.position)
        for asset in {margin.listing.quote for margin in self._margins(account)}:
            self._check_cross(account, asset)
        self._call(account)

    def _margins(self, account: Account) -> list[PositionMargin]:
        return [margin for margin in all_margins(account, self.exchange.linear) if margin.position.lots]

    def _cross(self, account: Account, asset: str) -> tuple[AssetMargin, list[PositionMargin]]:
        margins = [m for m in self._margins(account) if m.listing.quote == asset]
        return sum_margins(account, asset, margins), [m for m in margins if not m.isolated]

    def _check_cross(self, account: Account, asset: str) -> None:
        cancelled = False
        while True:
            totals, crossed = self._cross(account, asset)
            if not crossed or totals.cross_wallet + totals.cross_unrealised > totals.cross_maintenance:
                break
            if not cancelled:
                cancelled = True
                for symbol in {m.listing.name for m in crossed}:
                    self.exchange.linear_orders.pull_all(account, symbol)
                continue
            worst = min(crossed, key=lambda m: m.unrealised)
            before = worst.position.lots
            self.liquidate(account, worst.position)
            if worst.position.lots == before:
                break
        self._cover_deficit(account, asset)

    def _cover_deficit(self, account: Account, asset: str) -> None:
        """The insurance fund pays what a wallet without positions owes."""
        owed = -account.linear.cross.get(asset, 0)
        if owed <= 0 or account.linear.open_positions():
            return
        account.linear.cross[asset] = 0
        fund = self.exchange.insurance.linear
        fund.cross[asset] = fund.cross.get(asset, 0) - owed
        self.exchange.linear_ledger.tell(account, "INSURANCE_CLEAR", asset, change=owed)

    # -- one position -----------------------------------------------------------------------------

    def liquidate(self, account: Account, position: Position) -> Order:
        """Close a position by force, after the symbol's orders; returns the order, as its owner will find it."""
        listing = position.listing
        self.exchange.linear_orders.pull_all(account, listing.name)
        self.exchange.linear_algos.pull_all(account, listing.name)
        price_ticks = self.bankruptcy_ticks(account, position)
        client_id = f"autoclose-{self.exchange.now_ms}{self._next():06d}"
        desk = self.exchange.linear_orders
        cross_before = account.linear.cross.get(listing.quote, 0)
        order = desk.venue_order(account, position, abs(position.lots), price_ticks, client_id)
        desk.opened(account, order)
        lots = min(order.qty_lots, listing.book.executable_lots(order.sign, price_ticks))
        if lots:
            book = book_account(account.account_id, position.side)
            events = listing.book.submit(order.order_id, book, order.sign, lots, price_ticks, tif=Tif.IOC)
            self.exchange.apply(listing, events)
        if order.is_open and position.lots:
            self._take_over(account, order, position, price_ticks)
        elif position.lots:
            order = desk.close_off_book(account, position, abs(position.lots), price_ticks, f"{client_id}-rest")
        left = account.linear.cross.get(listing.quote, 0)
        if account.linear.setting(listing.name).isolated:
            left -= cross_before  # all of its own margin that came back; the rest of the wallet is not at stake
        self._charge(account, order, left)
        answer = order.snapshot()
        self.exchange.tell_liquidation(Liquidation(listing, answer, self.exchange.now_ms))
        return answer

    def bankruptcy_ticks(self, account: Account, position: Position) -> int:
        """Price at which closing the position uses up its margin, but never further from the mark than market orders may go."""
        listing = position.listing
        mark = reference_ticks(listing)
        if account.linear.setting(listing.name).isolated:
            equity = position.isolated_wallet + position.unrealised(mark)
        else:
            totals, _ = self._cross(account, listing.quote)
            equity = totals.cross_wallet + totals.cross_unrealised
        room = min(equity // listing.notional(abs(position.lots)), mark * listing.market_take_bound_ppm // PPM)
        return max(1, mark - room if position.lots > 0 else mark + room)

    def _take_over(self, account: Account, order: Order, position: Position, price_ticks: int) -> None:
        listing = position.listing
        fund = self.exchange.insurance.linear
        lots = abs(position.lots)
        sign = 1 if position.lots > 0 else -1
        loss = listing.notional((price_ticks - reference_ticks(listing)) * sign * lots)
        if loss > fund.cross.get(listing.quote, 0):
            lots -= self._deleverage(account, listing, sign, lots, price_ticks)
        if lots:
            held = fund.position(listing, "BOTH")
            realised, _ = held.apply(sign * lots, price_ticks)
            fund.cross[listing.quote] = fund.cross.get(listing.quote, 0) + realised
        self.exchange.linear_orders.fill_off_book(account, order, position, abs(position.lots), price_ticks)

    def _deleverage(self, loser: Account, listing: Listing, sign: int, lots: int, price_ticks: int) -> int:
        """Close opposite positions at the bankruptcy price, the most leveraged profit first; returns how many lots."""
        candidates = []
        for account in self.exchange.accounts.values():
            if account is loser:
                continue
            for margin in self._margins(account):
                if margin.listing is listing and margin.position.lots * sign < 0 and margin.unrealised > 0:
                    candidates.append((margin.unrealised / max(1, margin.initial), account, margin.position))
        closed = 0
        for _, account, position in sorted(candidates, key=lambda one: -one[0]):
            part = min(lots - closed, abs(position.lots))
            if part:
                self.adl(account, position, part, price_ticks)
                closed += part
        return closed

    def adl(self, account: Account, position: Position, lots: int, price_ticks: int) -> Order:
        """Auto-deleverage so many lots of a position."""
        order = self.exchange.linear_orders.close_off_book(account, position, lots, price_ticks, "adl_autoclose")
        return order.snapshot()

    def _charge(self, account: Account, order: Order, left: int) -> None:
        """The liquidation fee, out of the margin that is left, into the fund; the fund pays what an isolated one lacks."""
        listing = order.listing
        charge = min(fee(order.filled_quote, listing.liquidation_fee_ppm), left)
        if charge < 0 and not account.linear.setting(listing.name).isolated:
            return  # covered once no position is left that could still pay for it
        if charge == 0:
            return
        account.linear.cross[listing.quote] = account.linear.cross.get(listing.quote, 0) - charge
        fund = self.exchange.insurance.linear
        fund.cross[listing.quote] = fund.cross.get(listing.quote, 0) + charge
        self.exchange.linear_ledger.note(account, "INSURANCE_CLEAR", listing, -charge)
        self.exchange.linear_ledger.tell(account, "INSURANCE_CLEAR", listing.quote, change=-charge)

    def work_off(self) -> None:
        """Let the fund sell what it took over, as far as the book pays the mark."""
        fund = self.exchange.insurance.linear
        for position in fund.open_positions():
            listing = position.listing
            sign = -1 if position.lots > 0 else 1
            mark = reference_ticks(listing)
            lots = min(abs(position.lots), listing.book.executable_lots(sign, mark))
            if not lots or not listing.trading:
                continue
            events = listing.book.submit(listing.next_order_id(), 0, sign, lots, mark, tif=Tif.IOC)
            for event in events:
                if event.kind == MatchKind.TRADE and event.account == 0 and event.order_id == listing.last_order_id:
                    realised, _ = position.apply(sign * event.qty_lots, event.price_ticks)
                    fund.cross[listing.quote] = fund.cross.get(listing.quote, 0) + realised
            self.exchange.apply(listing, events)

    # -- margin calls -----------------------------------------------------------------------------

    def _call(self, account: Account) -> None:
        limit_ppm = self.exchange.settings.margin_call_ppm
        near = []
        for asset in {m.listing.quote for m in self._margins(account)}:
            totals, crossed = self._cross(account, asset)
            balance = totals.cross_wallet + totals.cross_unrealised
            called = bool(crossed) and totals.cross_maintenance * PPM >= balance * limit_ppm
            if called and not account.linear.called:
                near += crossed
            account.linear.called = called
        for margin in self._margins(account):
            if not margin.isolated:
                continue
            balance = margin.position.isolated_wallet + margin.unrealised
            called = margin.maintenance * PPM >= balance * limit_ppm
            if called and not margin.position.called:
                near.append(margin)
            margin.position.called = called
        if near:
            states = [m.position.state(isolated=m.isolated, mark_ticks=m.mark_ticks, maintenance=m.maintenance) for m in near]
            cross = account.linear.cross.get(near[0].listing.quote, 0)
            self.exchange.tell(account, MarginCall(cross, states, self.exchange.now_ms))

    def _next(self) -> int:
        self._closed += 1
        return self._closed
