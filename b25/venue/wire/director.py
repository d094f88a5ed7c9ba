"""Makes happen in the exchange what a knob says: statuses, filters, foreign orders, liquidations, transfers, a crash."""

from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any

from b25.model.errors import Misuse
from b25.venue.exchange.errors import VenueError
from b25.venue.wire.faults import Fault
from b25.venue.wire.new_order import linear_order, spot_order
from b25.venue.wire.parameters import Parameters

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.exchange import Exchange
    from b25.venue.exchange.listing import Listing
    from b25.venue.exchange.orders import Order


class Director:
    """Listens to the faults and acts on the exchange.

    Parameters
    ----------
    exchange : Exchange
        On which it acts.
    """

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._before: dict[int, list[Callable[[], None]]] = {}
        self._acts: dict[str, Callable[[Fault], object]] = {
            "symbol_status": self._status,
            "filters": self._filters,
            "delivery_date": self._delivery,
            "foreign_order": self._foreign_order,
            "liquidate": self._liquidate,
            "adl": self._adl,
            "settle": self._settle,
            "transfer": self._transfer,
            "algo_reject": self._algo_reject,
            "crash": self._crash,
            "squeeze": self._squeeze,
        }

    def on_fault(self, fault: Fault) -> None:
        """A knob was turned, or is over (then `left` is 0): what it changed is changed back."""
        act = self._acts.get(fault.knob)
        if act is None:
            return
        if fault.left == 0:
            for undo in self._before.pop(fault.fault_id, []):
                undo()
            return
        try:
            act(fault)
        except VenueError as error:
            raise Misuse(f"{fault.knob}: the exchange says {error.code} {error.msg}", remedy="change the order") from None
        except (InvalidOperation, TypeError, ValueError) as error:
            raise Misuse(f"{fault.knob}: {error}", remedy="look at the values") from None

    def account(self, name: str) -> "Account":
        """The account of a name or number."""
        for account in self._exchange.accounts.values():
            if name in (account.name, str(account.account_id)):
                return account
        raise Misuse(f"there is no account {name!r}", remedy="open it first")

    def listings(self, fault: Fault) -> "list[Listing]":
        """Listings that a fault is aimed at: by `where` (a glob over symbols, or `market:symbol`)."""
        from fnmatch import fnmatchcase

        everything = [*self._exchange.spot.values(), *self._exchange.linear.values()]
        chosen = [
            listing
            for listing in everything
            if fnmatchcase(listing.name, fault.where) or fnmatchcase(f"{listing.market}:{listing.name}", fault.where)
        ]
        if not chosen:
            raise Misuse(f"{fault.knob}: no symbol is {fault.where!r}", remedy="write BTCUSDT, linear:BTCUSDT or *")
        return chosen

    def listing(self, market: str, symbol: str) -> "Listing":
        """The listing of a market."""
        listing = (self._exchange.spot if market == "spot" else self._exchange.linear).get(symbol)
        if listing is None:
            raise Misuse(f"there is no {market} symbol {symbol!r}", remedy="see exchangeInfo")
        return listing

    def _undo(self, fault: Fault, act: Callable[[], None]) -> None:
        self._before.setdefault(fault.fault_id, []).append(act)

    def _status(self, fault: Fault) -> None:
        operations = self._exchange.operations
        for listing in self.listings(fault):
            before = listing.status
            operations.set_status(listing.market, listing.name, str(fault.values["status"]))
            self._undo(fault, partial(operations.set_status, listing.market, listing.name, before))

    def _filters(self, fault: Fault) -> None:
        operations = self._exchange.operations
        for listing in self.listings(fault):
            before = listing.filters
            operations.set_filters(listing.market, listing.name, changed_filters(before, fault.values["change"]))
            self._undo(fault, partial(operations.set_filters, listing.market, listing.name, before))

    def _delivery(self, fault: Fault) -> None:
        operations = self._exchange.operations
        for listing in self.listings(fault):
            if listing.market != "linear":
                continue
            self._undo(fault, partial(operations.set_delivery, listing.name, listing.delivery_ms))
            operations.set_delivery(listing.name, int(fault.values["ms"]))

    def _foreign_order(self, fault: Fault) -> "Order":
        return self.foreign_order(
            fault.account, str(fault.values["market"]), {"symbol": fault.values["symbol"], **fault.values["order"]}
        )

    def foreign_order(self, account: str, market: str, order: dict[str, Any]) -> "Order":
        """Place an order of an account that its client never sent; `order` as the wire writes it."""
        parameters = Parameters.of(order)
        request = spot_order(parameters) if market == "spot" else linear_order(parameters)
        return self._exchange.operations.foreign_order(self.account(account), market, request)

    def _liquidate(self, fault: Fault) -> None:
        self._exchange.operations.liquidate(self.account(fault.account), str(fault.values["symbol"]))

    def _adl(self, fault: Fault) -> None:
        self._exchange.operations.adl(self.account(fault.account), str(fault.values["symbol"]))

    def _settle(self, fault: Fault) -> None:
        self._exchange.operations.settle(str(fault.values["symbol"]))

    def _transfer(self, fault: Fault) -> None:
        values = fault.values
        account, asset = self.account(fault.account), str(values["asset"])
        amount, market = Decimal(str(values["amount"])), str(values["market"])
        if market not in ("spot", "linear"):
            raise Misuse(f"there is no market {market!r}", remedy="use spot or linear")
        if values["between"]:
            self._exchange.operations.transfer(account, asset, amount, to=market)
        else:
            self._exchange.deposit(account, market, asset, amount)

    def _algo_reject(self, fault: Fault) -> None:
        reason, algo_id = str(fault.values["rm"]), fault.values["algo_id"]
        if algo_id is None:
            self._exchange.linear_algos.reject_next = reason
        else:
            self._exchange.operations.reject_algo(self.account(fault.account), reason, int(algo_id))

    def _crash(self, fault: Fault) -> None:
        self._push(fault, -1)

    def _squeeze(self, fault: Fault) -> None:
        self._push(fault, 1)

    def _push(self, fault: Fault, direction: int) -> None:
        """Ask the flow of a symbol to move its market."""
        values = fault.values
        markets = [str(values["market"])] if values["symbol"] else ["spot", "linear"]
        for market in markets:
            every = self._exchange.spot if market == "spot" else self._exchange.linear
            chosen = [self.listing(market, str(values["symbol"]))] if values["symbol"] else list(every.values())
            for listing in chosen:
                push = getattr(listing.flow, "push", None)
                if push is not None:
                    push(direction * float(values["share"]), float(values["over_ms"]) / 1_000)
                elif values["symbol"]:
                    raise Misuse(f"nothing that moves trades {listing.name}", remedy="start the venue with a market")


def changed_filters(filters: Any, change: dict[str, Any]) -> Any:
    """Filters with some of their fields changed; numbers are given as numbers or strings."""
    known = {one.name: one.type for one in fields(filters)}
    strange = sorted(set(change) - set(known))
    if strange:
        raise Misuse(f"filters have no {', '.join(strange)}", remedy=f"they have {', '.join(sorted(known))}")
    typed: dict[str, Any] = {}
    for name, value in change.items():
        held = getattr(filters, name)
        if isinstance(held, bool):
            typed[name] = bool(value)
        elif isinstance(held, int):
            typed[name] = int(value)
        else:
            typed[name] = None if value is None else Decimal(str(value))
    return replace(filters, **typed)
