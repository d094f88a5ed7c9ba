"""What a futures account sets: leverage, margin type, position mode, margin of a position; and its listen key."""

from typing import TYPE_CHECKING, Any

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.money import money_text
from b25.venue.wire.new_order import POSITION_SIDES
from b25.venue.wire.route import Call, RouteTable, Security

if TYPE_CHECKING:
    from b25.venue.exchange.linear_settings import LinearSettings

TABLE = RouteTable("linear", "/fapi/v1")
_SUCCESS = {"code": 200, "msg": "success"}


def _settings(call: Call) -> "LinearSettings":
    return call.core.exchange.linear_settings


@TABLE.trade("POST", "/leverage", "symbol leverage")
def leverage(call: Call) -> dict[str, Any]:
    """Set the leverage of a symbol."""
    listing = call.listing()
    now, notional = _settings(call).set_leverage(call.account, listing.name, call.parameters.need_integer("leverage"))
    return {"symbol": listing.name, "leverage": now, "maxNotionalValue": _whole(notional)}


def _whole(money: int) -> str:
    text = money_text(money)
    return text.rstrip("0").rstrip(".")


@TABLE.trade("POST", "/marginType", "symbol marginType")
def margin_type(call: Call) -> dict[str, Any]:
    """Cross or isolated."""
    listing = call.listing()
    kind = call.parameters.need_choice("marginType", ("ISOLATED", "CROSSED"))
    _settings(call).set_margin_type(call.account, listing.name, kind)
    return _SUCCESS


@TABLE.trade("POST", "/positionSide/dual", "dualSidePosition")
def set_position_mode(call: Call) -> dict[str, Any]:
    """One position of a symbol, or one for each side."""
    call.parameters.need("dualSidePosition")
    _settings(call).set_hedge(call.account, call.parameters.flag("dualSidePosition"))
    return _SUCCESS


@TABLE.read("/positionSide/dual", "", 30)
def position_mode(call: Call) -> dict[str, Any]:
    """Whether there is a position for each side."""
    return {"dualSidePosition": call.account.linear.hedge}


@TABLE.trade("POST", "/multiAssetsMargin", "multiAssetsMargin")
def set_multi_assets(call: Call) -> dict[str, Any]:
    """Margin by several assets, which this venue does not have."""
    call.parameters.need("multiAssetsMargin")
    if call.parameters.flag("multiAssetsMargin"):
        raise VenueError(-4168, "Unable to adjust to Multi-Assets mode with the margin assets that you have.")
    raise VenueError(-4171, "No need to change multi-assets mode.")


@TABLE.read("/multiAssetsMargin", "", 30)
def multi_assets(call: Call) -> dict[str, Any]:
    """Always one asset."""
    return {"multiAssetsMargin": False}


@TABLE.trade("POST", "/positionMargin", "symbol positionSide amount type")
def position_margin(call: Call) -> dict[str, Any]:
    """Give an isolated position more margin, or less."""
    listing = call.listing()
    side = call.parameters.choice("positionSide", POSITION_SIDES) or "BOTH"
    amount = call.parameters.need_decimal("amount")
    kind = call.parameters.need_choice("type", ("1", "2"))
    _settings(call).change_position_margin(call.account, listing.name, side, amount, add=kind == "1")
    return {"amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": int(kind)}


# What `watch_orders(params={"type": "future"})` of ccxt leaves in the request; no signature covers it, and nobody reads it.
CCXT_LEFTOVERS = "type subType symbol marginMode defaultType"


@TABLE.key("POST", "/listenKey", CCXT_LEFTOVERS)
def create_listen_key(call: Call) -> dict[str, Any]:
    """The account's listen key, made or extended."""
    return {"listenKey": call.core.listen_keys.create(call.account)}


@TABLE.key("PUT", "/listenKey", f"listenKey {CCXT_LEFTOVERS}")
def extend_listen_key(call: Call) -> dict[str, Any]:
    """Let the listen key live on."""
    return {"listenKey": call.core.listen_keys.extend(call.account)}


@TABLE.add("DELETE", "/listenKey", "listenKey", Security.KEY, 1)
def close_listen_key(call: Call) -> dict[str, Any]:
    """End the listen key."""
    call.core.listen_keys.close(call.account)
    return {}
