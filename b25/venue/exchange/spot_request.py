"""Which parameters a spot order must and must not have, and the order that follows from them."""

from decimal import Decimal
from typing import Final

from b25.model.matching import Stp
from b25.model.order import Tif
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import decimals_of, to_money
from b25.venue.exchange.orders import SIDES, NewOrder, Order

TIFS: Final = {"GTC": Tif.GTC, "IOC": Tif.IOC, "FOK": Tif.FOK}
STPS: Final = {stp.name: stp for stp in Stp}
STOP_TYPES: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
PRICED: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
TIMED: Final = PRICED - {"LIMIT_MAKER"}
DECIMALS_MAX: Final = 8
LEGAL_NUMBER: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


def check_number(value: Decimal, name: str) -> None:
    """Refuse what is no plain number of at most eight decimals."""
    if not value.is_finite() or value < 0 or value.adjusted() > 20 or len(value.as_tuple().digits) > 40:
        raise errors.ILLEGAL_CHARACTERS.error(name, LEGAL_NUMBER)
    if decimals_of(value) > DECIMALS_MAX:
        raise errors.PRECISION.error()


def check_parameters(listing: Listing, request: NewOrder) -> None:
    """Refuse an unknown word, a missing parameter, or one that the type does not take."""
    if request.side not in SIDES:
        raise errors.INVALID_SIDE.error()
    if request.type not in listing.order_types:
        raise errors.INVALID_TYPE.error()
    for name, value in (
        ("quantity", request.quantity),
        ("quoteOrderQty", request.quote_quantity),
        ("price", request.price),
        ("stopPrice", request.stop_price),
        ("icebergQty", request.iceberg_quantity),
    ):
        if value is not None:
            check_number(value, name)
    if request.stp is not None and request.stp not in listing.stp_modes:
        raise errors.INVALID_DATA.error("selfTradePreventionMode")
    _check_presence(request)


def _check_presence(request: NewOrder) -> None:
    kind = request.type
    needs: list[tuple[str, object, bool]] = [
        ("timeInForce", request.tif, kind in TIMED),
        ("price", request.price, kind in PRICED),
        ("quantity", request.quantity, kind != "MARKET" or request.quote_quantity is None),
    ]
    for name, value, needed in needs:
        if needed and value is None:
            raise errors.MANDATORY.error(name)
    if kind in STOP_TYPES and request.stop_price is None and request.trailing_delta_bips is None:
        raise errors.MANDATORY.error("stopPrice")
    refused: list[tuple[str, object, bool]] = [
        ("timeInForce", request.tif, kind not in TIMED),
        ("price", request.price, kind not in PRICED),
        ("stopPrice", request.stop_price, kind not in STOP_TYPES),
        ("trailingDelta", request.trailing_delta_bips, kind not in STOP_TYPES),
        ("quoteOrderQty", request.quote_quantity, kind != "MARKET"),
        ("icebergQty", request.iceberg_quantity, kind not in PRICED),
    ]
    for name, value, wrong in refused:
        if wrong and value is not None:
            raise errors.NOT_REQUIRED.error(name)
    if request.quantity is not None and request.quote_quantity is not None:
        raise errors.OPTIONAL_COMBINATION.error()
    if request.tif is not None and request.tif not in TIFS:
        raise errors.INVALID_TIF.error()
    if request.iceberg_quantity and request.tif not in (None, "GTC"):
        raise errors.OPTIONAL_COMBINATION.error()


def make_order(account: Account, listing: Listing, request: NewOrder, client_id: str, now_ms: int) -> Order:
    """The order of a request whose parameters and filters were checked."""
    stop = request.type in STOP_TYPES
    return Order(
        order_id=listing.next_order_id(),
        client_id=client_id,
        account=account.account_id,
        listing=listing,
        side=request.side,
        type=request.type,
        tif=request.tif or "GTC",
        price_ticks=listing.to_ticks(request.price) if request.price is not None else 0,
        qty_lots=listing.to_lots(request.quantity) if request.quantity is not None else 0,
        quote_qty=to_money(request.quote_quantity) if request.quote_quantity is not None else 0,
        stop_ticks=listing.to_ticks(request.stop_price) if request.stop_price is not None else 0,
        trailing_delta_bips=request.trailing_delta_bips or 0,
        iceberg_lots=listing.to_lots(request.iceberg_quantity) if request.iceberg_quantity else 0,
        stp=request.stp or listing.default_stp,
        strategy_id=request.strategy_id,
        strategy_type=request.strategy_type,
        created_ms=now_ms,
        updated_ms=now_ms,
        is_working=not stop,
        orig_type=request.type,
    )


def stop_rises(kind: str, side: str) -> bool:
    """Whether a stop of this type and side fires on a rising price."""
    return (side == "BUY") == kind.startswith("STOP_LOSS")
