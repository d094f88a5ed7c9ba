"""The few endpoints of /sapi that trading needs: status, fees, what a key may do, coins."""

from typing import Any

from b25.venue.exchange.accounts import SpotBalance
from b25.venue.exchange.money import money_text
from b25.venue.wire.route import Call, RouteTable

TABLE = RouteTable("spot", "/sapi/v1")


@TABLE.public("/system/status")
def status(call: Call) -> dict[str, Any]:
    """0 normal, 1 maintenance."""
    if call.core.faults.is_on("maintenance"):
        return {"status": 1, "msg": "system_maintenance"}
    return {"status": 0, "msg": "normal"}


@TABLE.read("/asset/tradeFee", "symbol")
def trade_fee(call: Call) -> list[dict[str, Any]]:
    """Fees by symbol."""
    one = call.maybe_listing()
    rows = []
    for listing in [one] if one else call.listings.values():
        maker_ppm, taker_ppm = call.core.exchange.spot_orders.fees_ppm(call.account, listing.name)
        rows.append(
            {
                "symbol": listing.name,
                "makerCommission": f"{maker_ppm / 1e6:g}",
                "takerCommission": f"{taker_ppm / 1e6:g}",
            }
        )
    return rows


@TABLE.read("/account/apiRestrictions")
def restrictions(call: Call) -> dict[str, Any]:
    """What the key may do."""
    key = call.key
    assert key is not None
    shown: dict[str, Any] = {
        "ipRestrict": key.ip_restricted,
        "createTime": key.created_ms,
        "enableReading": key.reading,
        "enableWithdrawals": key.withdrawals,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": key.futures,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": key.spot,
        "enablePortfolioMarginTrading": False,
    }
    fault = call.core.faults.draw("key_flags", key.account.name)
    if fault is not None:
        shown |= fault.values["flags"]
    return shown


@TABLE.read("/account/status")
def account_status(call: Call) -> dict[str, Any]:
    """Whether the account is in order."""
    return {"data": "Locked" if call.account.frozen else "Normal"}


@TABLE.read("/account/apiTradingStatus")
def trading_status(call: Call) -> dict[str, Any]:
    """Whether a rule has locked the account's trading."""
    return {"data": {"isLocked": call.account.frozen, "plannedRecoverTime": 0, "triggerCondition": {}, "updateTime": call.now_ms}}


@TABLE.read("/capital/config/getall", "", 10)
def coins(call: Call) -> list[dict[str, Any]]:
    """Coins that the venue knows, none of which can leave it."""
    assets = dict.fromkeys(asset for listing in call.listings.values() for asset in (listing.base, listing.quote))
    return [_coin(call, asset) for asset in assets]


def _coin(call: Call, asset: str) -> dict[str, Any]:
    balance = call.account.spot.get(asset, SpotBalance())
    return {
        "coin": asset,
        "depositAllEnable": False,
        "free": money_text(balance.free),
        "freeze": "0",
        "ipoable": "0",
        "ipoing": "0",
        "isLegalMoney": False,
        "locked": money_text(balance.locked),
        "name": asset,
        "networkList": [],
        "storage": "0",
        "trading": True,
        "withdrawAllEnable": False,
        "withdrawing": "0",
    }
