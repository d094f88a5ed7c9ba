"""Futures balances, positions and income as JSON-ready objects."""

from typing import TYPE_CHECKING, Any

from b25.venue.exchange.brackets import max_notional
from b25.venue.exchange.money import COINS, money_text

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.linear_views import AccountState, PositionRisk
    from b25.venue.exchange.listing import Listing
    from b25.venue.exchange.margin import AssetMargin
    from b25.venue.exchange.positions import Income

ZERO = "0.00000000"


def balance(account_id: int, row: "AssetMargin", updated_ms: int) -> dict[str, Any]:
    """One row of balance."""
    return {
        "accountAlias": f"b25-{account_id}",
        "asset": row.asset,
        "balance": money_text(row.wallet),
        "crossWalletBalance": money_text(row.cross_wallet),
        "crossUnPnl": money_text(row.cross_unrealised),
        "availableBalance": money_text(row.available),
        "maxWithdrawAmount": money_text(max(0, row.available)),
        "marginAvailable": True,
        "updateTime": updated_ms,
    }


def account(state: "AccountState") -> dict[str, Any]:
    """GET /fapi/v3/account; an asset's `updateTime` is never 0, or clients drop it."""
    assets = [asset(row, state.updated_ms) for row in state.assets]
    dollars = [row for row in state.assets if row.asset in ("USDT", "USDC", "BUSD", "FDUSD")] or state.assets
    total = {
        "totalInitialMargin": sum(row.initial + row.open_order_initial for row in dollars),
        "totalMaintMargin": sum(row.maintenance for row in dollars),
        "totalWalletBalance": sum(row.wallet for row in dollars),
        "totalUnrealizedProfit": sum(row.unrealised for row in dollars),
        "totalMarginBalance": sum(row.margin_balance for row in dollars),
        "totalPositionInitialMargin": sum(row.initial for row in dollars),
        "totalOpenOrderInitialMargin": sum(row.open_order_initial for row in dollars),
        "totalCrossWalletBalance": sum(row.cross_wallet for row in dollars),
        "totalCrossUnPnl": sum(row.cross_unrealised for row in dollars),
        "availableBalance": sum(row.available for row in dollars),
        "maxWithdrawAmount": sum(max(0, row.available) for row in dollars),
    }
    positions = [account_position(risk) for risk in state.positions]
    return {**{name: money_text(amount) for name, amount in total.items()}, "assets": assets, "positions": positions}


def asset(row: "AssetMargin", updated_ms: int) -> dict[str, Any]:
    """One asset of account."""
    return {
        "asset": row.asset,
        "walletBalance": money_text(row.wallet),
        "unrealizedProfit": money_text(row.unrealised),
        "marginBalance": money_text(row.margin_balance),
        "maintMargin": money_text(row.maintenance),
        "initialMargin": money_text(row.initial + row.open_order_initial),
        "positionInitialMargin": money_text(row.initial),
        "openOrderInitialMargin": money_text(row.open_order_initial),
        "crossWalletBalance": money_text(row.cross_wallet),
        "crossUnPnl": money_text(row.cross_unrealised),
        "availableBalance": money_text(row.available),
        "maxWithdrawAmount": money_text(max(0, row.available)),
        "marginAvailable": True,
        "updateTime": updated_ms,
    }


def account_position(risk: "PositionRisk") -> dict[str, Any]:
    """One position of GET /fapi/v3/account."""
    state = risk.state
    return {
        "symbol": state.listing.name,
        "positionSide": state.position_side,
        "positionAmt": state.listing.qty_text(state.lots),
        "unrealizedProfit": money_text(state.unrealised),
        "isolatedMargin": money_text(risk.isolated_margin),
        "notional": money_text(risk.notional),
        "isolatedWallet": money_text(state.isolated_wallet),
        "initialMargin": money_text(risk.initial),
        "maintMargin": money_text(risk.maintenance),
        "updateTime": risk.updated_ms,
    }


def _isolated(account: "Account", listing: "Listing") -> bool:
    setting = account.linear.settings.get(listing.name)
    return setting.isolated if setting else False


def leverage(account: "Account", listing: "Listing") -> int:
    """Leverage that the account has set for a symbol."""
    setting = account.linear.settings.get(listing.name)
    return setting.leverage if setting else 20


def account_position_v2(account: "Account", listing: "Listing", side: str, risk: "PositionRisk | None") -> dict[str, Any]:
    """One position of GET /fapi/v2/account."""
    now = leverage(account, listing)
    row: dict[str, Any] = {
        "symbol": listing.name,
        "initialMargin": money_text(risk.initial) if risk else ZERO,
        "maintMargin": money_text(risk.maintenance) if risk else ZERO,
        "unrealizedProfit": money_text(risk.state.unrealised) if risk else ZERO,
        "positionInitialMargin": money_text(risk.position_initial) if risk else ZERO,
        "openOrderInitialMargin": money_text(risk.open_order_initial) if risk else ZERO,
        "leverage": str(now),
        "isolated": _isolated(account, listing),
        "entryPrice": risk.state.entry_text if risk else "0.0",
        "breakEvenPrice": risk.state.break_even_text if risk else "0.0",
        "maxNotional": str(max_notional(listing.brackets, now) // COINS),
        "positionSide": side,
        "positionAmt": listing.qty_text(risk.state.lots if risk else 0),
        "notional": money_text(risk.notional) if risk else ZERO,
        "isolatedWallet": money_text(risk.state.isolated_wallet) if risk else ZERO,
        "bidNotional": money_text(risk.bid_notional) if risk else ZERO,
        "askNotional": money_text(risk.ask_notional) if risk else ZERO,
        "updateTime": risk.updated_ms if risk and risk.state.lots else 0,
    }
    return row


def position_risk(risk: "PositionRisk") -> dict[str, Any]:
    """One row of GET /fapi/v3/positionRisk."""
    state = risk.state
    listing = state.listing
    liquidation = listing.price_text(risk.liquidation_ticks) if risk.liquidation_ticks > 0 else "0"
    return {
        "symbol": listing.name,
        "positionSide": state.position_side,
        "positionAmt": listing.qty_text(state.lots),
        "entryPrice": state.entry_text,
        "breakEvenPrice": state.break_even_text,
        "markPrice": f"{listing.tick * state.mark_ticks:.8f}",
        "unRealizedProfit": money_text(state.unrealised),
        "liquidationPrice": liquidation,
        "isolatedMargin": money_text(risk.isolated_margin),
        "notional": money_text(risk.notional),
        "marginAsset": listing.quote,
        "isolatedWallet": money_text(state.isolated_wallet),
        "initialMargin": money_text(risk.initial),
        "maintMargin": money_text(risk.maintenance),
        "positionInitialMargin": money_text(risk.position_initial),
        "openOrderInitialMargin": money_text(risk.open_order_initial),
        "adl": risk.adl,
        "bidNotional": money_text(risk.bid_notional),
        "askNotional": money_text(risk.ask_notional),
        "updateTime": risk.updated_ms,
    }


def position_risk_v2(account: "Account", listing: "Listing", side: str, risk: "PositionRisk | None") -> dict[str, Any]:
    """One row of GET /fapi/v2/positionRisk: with leverage and margin type, and flat ones too."""
    isolated, now = _isolated(account, listing), leverage(account, listing)
    mark_ticks = listing.mark.mark_ticks if listing.mark else 0
    row: dict[str, Any] = {
        "symbol": listing.name,
        "positionAmt": listing.qty_text(0),
        "entryPrice": "0.0",
        "breakEvenPrice": "0.0",
        "markPrice": f"{listing.tick * mark_ticks:.8f}",
        "unRealizedProfit": ZERO,
        "liquidationPrice": "0",
        "isolatedMargin": ZERO,
        "notional": "0",
        "isolatedWallet": "0",
        "positionSide": side,
        "updateTime": 0,
    }
    if risk is not None and risk.state.lots:
        shown = position_risk(risk)
        row |= {name: shown[name] for name in row}
    terms = {"leverage": str(now), "maxNotionalValue": str(max_notional(listing.brackets, now) // COINS)}
    kind = {"marginType": "isolated" if isolated else "cross", "isAutoAddMargin": "false"}
    return {**row, **terms, **kind, "adlQuantile": risk.adl if risk else 0}


def symbol_config(account: "Account", listing: "Listing") -> dict[str, Any]:
    """One row of symbolConfig."""
    now = leverage(account, listing)
    return {
        "symbol": listing.name,
        "marginType": "ISOLATED" if _isolated(account, listing) else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": now,
        "maxNotionalValue": str(max_notional(listing.brackets, now) // COINS),
    }


def income(row: "Income") -> dict[str, Any]:
    """One row of income."""
    return {
        "symbol": row.symbol,
        "incomeType": row.kind,
        "income": money_text(row.amount),
        "asset": row.asset,
        "info": row.info or row.kind,
        "time": row.time_ms,
        "tranId": row.tran_id,
        "tradeId": str(row.trade_id) if row.trade_id else "",
    }
