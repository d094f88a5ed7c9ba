"""The acts of the admin API: each takes the venue and a JSON object, and gives one."""

import secrets
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from b25.model.errors import Misuse
from b25.venue.exchange.money import money_text
from b25.venue.wire.fault_knobs import KNOBS

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account, ApiKey
    from b25.venue.wire.server import Venue


class Body:
    """The values of a request, each read by the type it should have."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def need(self, name: str) -> str:
        """A text that must be there."""
        value = self.values.get(name)
        if not isinstance(value, str | int) or value == "":
            raise Misuse(f"{name} is missing", remedy=f'send {{"{name}": …}}')
        return str(value)

    def text(self, name: str, default: str) -> str:
        """A text."""
        return str(self.values.get(name, default))

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        value = self.values.get(name, default)
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise Misuse(f"{name} is {value!r}", remedy="give a number") from None

    def amount(self, name: str) -> Decimal:
        """An amount of money, exact."""
        try:
            value = Decimal(self.need(name))
        except InvalidOperation:
            raise Misuse(f"{name} is {self.values[name]!r}", remedy="give a number as a text") from None
        if not value.is_finite():
            raise Misuse(f"{name} is {value}", remedy="give a finite number")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        value = self.values.get(name, default)
        return value.lower() == "true" if isinstance(value, str) else bool(value)


Act = Callable[["Venue", Body], Any]
ACTS: dict[tuple[str, str], Act] = {}


def _act(method: str, path: str) -> Callable[[Act], Act]:
    def keep(act: Act) -> Act:
        ACTS[method, path] = act
        return act

    return keep


@_act("GET", "")
def overview(venue: "Venue", body: Body) -> dict[str, Any]:
    """What there is and how it stands."""
    return {
        "rest_url": venue.rest_url,
        "ws_url": venue.ws_url,
        "now_ms": venue.exchange.now_ms,
        "clock": {"mode": venue.clock.mode, "speed": venue.clock.speed, "offset_ms": venue.clock.offset_ms},
        "symbols": {"spot": list(venue.exchange.spot), "linear": list(venue.exchange.linear)},
        "accounts": [account.name for account in venue.exchange.accounts.values()],
        "faults": [fault.as_dict() for fault in venue.faults.all()],
        "limits": venue.limits.as_dict(venue.exchange.now_ms),
        "surprises": list(venue.core.surprises),
        "acts": {f"{method} /admin{path}": act.__doc__ for (method, path), act in ACTS.items()},
        "knobs": {name: {"stage": knob.stage, "values": knob.values, "does": knob.does} for name, knob in KNOBS.items()},
    }


@_act("GET", "/faults")
def faults(venue: "Venue", body: Body) -> list[dict[str, Any]]:
    """Faults that are on."""
    return [fault.as_dict() for fault in venue.faults.all()]


@_act("POST", "/faults")
def set_fault(venue: "Venue", body: Body) -> dict[str, Any]:
    """Turn a knob: knob, where, account, chance, left, for_ms, and the knob's own values."""
    values = dict(body.values)
    knob = body.need("knob")
    del values["knob"]
    for_ms = values.pop("for_ms", None)
    from_ms = values.pop("from_ms", None)
    span: dict[str, int | None] = {
        "for_ms": None if for_ms is None else int(body.number("for_ms")),
        "from_ms": None if from_ms is None else int(body.number("from_ms")),
    }
    return venue.faults.set(knob, **span, **{str(name): value for name, value in values.items()}).as_dict()


@_act("DELETE", "/faults")
def clear_faults(venue: "Venue", body: Body) -> dict[str, Any]:
    """Switch faults off: all, those of a knob, or one by its id."""
    knob = body.values.get("knob")
    fault_id = body.values.get("id")
    return {"cleared": venue.faults.clear(knob, None if fault_id is None else int(body.number("id")))}


@_act("GET", "/accounts")
def accounts(venue: "Venue", body: Body) -> list[dict[str, Any]]:
    """Accounts, what they own, and their keys without the secrets."""
    return [account_row(venue, account) for account in venue.exchange.accounts.values()]


def account_row(venue: "Venue", account: "Account") -> dict[str, Any]:
    """One account as the admin API and the status page show it."""
    spot = {
        asset: {"free": money_text(held.free), "locked": money_text(held.locked)}
        for asset, held in account.spot.items()
        if held.free or held.locked
    }
    positions = [
        {"symbol": held.listing.name, "side": held.side, "qty": held.listing.qty_text(held.lots)}
        for held in account.linear.open_positions()
    ]
    return {
        "id": account.account_id,
        "name": account.name,
        "frozen": account.frozen,
        "can_trade": account.can_trade,
        "spot": spot,
        "linear": {asset: money_text(amount) for asset, amount in account.linear.cross.items()},
        "positions": positions,
        "open_orders": {market: sum(1 for _ in account.store(market).open_orders()) for market in ("spot", "linear")},
        "keys": [key.key for key in venue.exchange.keys.values() if key.account is account and not key.revoked],
    }


@_act("POST", "/accounts")
def open_account(venue: "Venue", body: Body) -> dict[str, Any]:
    """Open an account by name, with a key; `deposits` is {market: {asset: amount}}."""
    name = body.need("name")
    if any(account.name == name for account in venue.exchange.accounts.values()):
        raise Misuse(f"there is already an account {name!r}", remedy="take another name")
    account = venue.exchange.open_account(name)
    deposits = body.values.get("deposits", {})
    if not isinstance(deposits, dict):
        raise Misuse("deposits is no object", remedy='send {"spot": {"USDT": "1000"}}')
    for market, assets in deposits.items():
        for asset in assets if isinstance(assets, dict) else {}:
            venue.exchange.deposit(account, str(market), str(asset), Body(assets).amount(asset))
    return {**account_row(venue, account), "key": key_row(new_key(venue, account))}


@_act("POST", "/accounts/flags")
def account_flags(venue: "Venue", body: Body) -> dict[str, Any]:
    """Set `frozen`, `can_trade`, `cooling_off`, `forbidden_symbols` or `restricted_symbols` of an account."""
    account = venue.director.account(body.need("account"))
    for name in ("frozen", "can_trade", "cooling_off"):
        if name in body.values:
            setattr(account, name, body.flag(name, False))
    for name in ("forbidden_symbols", "restricted_symbols"):
        if name in body.values:
            setattr(account, name, {str(symbol) for symbol in body.values[name]})
    return account_row(venue, account)


def new_key(venue: "Venue", account: "Account") -> "ApiKey":
    """A key with every permission but withdrawals, and a secret that nobody can guess."""
    return venue.exchange.make_key(account, key=secrets.token_hex(32), secret=secrets.token_hex(32))


def key_row(key: "ApiKey") -> dict[str, Any]:
    """A new key with its secret: shown once."""
    return {"key": key.key, "secret": key.secret, "kind": key.kind, "account": key.account.name}


@_act("POST", "/keys")
def make_key(venue: "Venue", body: Body) -> dict[str, Any]:
    """Make a key: account, reading, spot, futures, withdrawals, and for RSA or Ed25519 public_key and kind."""
    account = venue.director.account(body.need("account"))
    key = venue.exchange.make_key(
        account,
        key=secrets.token_hex(32),
        secret=None if "public_key" in body.values else secrets.token_hex(32),
        reading=body.flag("reading", True),
        spot=body.flag("spot", True),
        futures=body.flag("futures", True),
        withdrawals=body.flag("withdrawals", False),
        public_key=body.text("public_key", ""),
        kind=body.text("kind", "HMAC"),
    )
    return key_row(key)


@_act("DELETE", "/keys")
def revoke_key(venue: "Venue", body: Body) -> dict[str, Any]:
    """Revoke a key."""
    name = body.need("key")
    if venue.exchange.keys.get(name) is None:
        raise Misuse("there is no such key", remedy="GET /admin/accounts lists them")
    venue.exchange.operations.revoke(name)
    return {"revoked": name}


@_act("POST", "/deposit")
def deposit(venue: "Venue", body: Body) -> dict[str, Any]:
    """Add money: account, market, asset, amount (negative: take it away)."""
    account = venue.director.account(body.need("account"))
    market = body.text("market", "spot")
    if market not in ("spot", "linear"):
        raise Misuse(f"there is no market {market!r}", remedy="use spot or linear")
    venue.exchange.deposit(account, market, body.need("asset"), body.amount("amount"))
    return account_row(venue, account)


@_act("POST", "/orders")
def foreign_order(venue: "Venue", body: Body) -> dict[str, Any]:
    """Place an order of an account that its client never sent: account, market, order (as on the wire)."""
    order = body.values.get("order")
    if not isinstance(order, dict):
        raise Misuse("order is no object", remedy='send {"symbol": "BTCUSDT", "side": "BUY", …}')
    placed = venue.director.foreign_order(body.need("account"), body.text("market", "spot"), order)
    return {"orderId": placed.order_id, "clientOrderId": placed.client_id, "status": placed.state}


def _knob_act(path: str, knob: str, help_text: str) -> None:
    def act(venue: "Venue", body: Body) -> dict[str, Any]:
        return venue.faults.set(knob, **{str(name): value for name, value in body.values.items()}).as_dict()

    act.__doc__ = help_text
    ACTS["POST", path] = act


for _path, _knob, _help in (
    ("/liquidate", "liquidate", "Liquidate a position: account, symbol."),
    ("/adl", "adl", "Reduce a position by auto-deleveraging: account, symbol."),
    ("/settle", "settle", "Settle a futures symbol: symbol."),
    ("/transfer", "transfer", "Move money in or out: account, market, asset, amount."),
    ("/symbols/status", "symbol_status", "Set a symbol's status: where, status."),
    ("/symbols/filters", "filters", "Change a symbol's filters: where, change."),
    ("/symbols/delivery", "delivery_date", "Announce a delisting: where, ms."),
    ("/market/crash", "crash", "Let the market fall: market, symbol, share, over_ms."),
    ("/market/squeeze", "squeeze", "Let the market rise: market, symbol, share, over_ms."),
):
    _knob_act(_path, _knob, _help)


@_act("POST", "/clock")
def clock(venue: "Venue", body: Body) -> dict[str, Any]:
    """Step a stepped clock by `step_ms`, or shift what the server takes for the time by `offset_ms`."""
    if "offset_ms" in body.values:
        venue.clock.offset_ms = int(body.number("offset_ms"))
    if "step_ms" in body.values:
        venue.clock.step(int(body.number("step_ms")))
    return {"now_ms": venue.clock.now_ms(), "server_ms": venue.clock.server_ms()}


@_act("POST", "/limits")
def limits(venue: "Venue", body: Body) -> dict[str, Any]:
    """Forget all counters and bans (`forgive`), or ban an address: `ban_ms`, market, address."""
    if "ban_ms" in body.values:
        market, address = body.text("market", "spot"), body.text("address", "127.0.0.1")
        venue.limits.ban(market, address, int(body.number("ban_ms")), venue.exchange.now_ms)
    if body.flag("forgive", False):
        venue.limits.forgive()
    return dict(venue.limits.as_dict(venue.exchange.now_ms))
