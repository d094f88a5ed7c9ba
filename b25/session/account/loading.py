"""From rows of the store to an account: from its last state and what came since, or from the first fill on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from b25.account.ledger.account import Account
from b25.account.ledger.amounts import atoms
from b25.account.ledger.entries import ADJUSTMENTS, FIRST_MS, TRANSFERS, UNATTRIBUTED, Adjustment, Entry, Fill, Funding, Transfer
from b25.account.ledger.high_water import HighWater
from b25.account.ledger.state import account_of, water_of
from b25.model.errors import Resync
from b25.model.instrument import Instrument
from b25.store.account_log import AccountLog, EntryRow, body_of

FEE: Final = "FEE"
FUNDING: Final = "FUNDING"
TRANSFER: Final = "TRANSFER"
ADJUSTMENT: Final = "ADJUSTMENT"  # proposed; it counts once there is a SIGNATURE with its reference
SIGNATURE: Final = "SIGNATURE"
REJECTION: Final = "REJECTION"
RESUME: Final = "RESUME"
HOLD: Final = "HOLD"  # by the drop copy, until the RELEASE with its reference
RELEASE: Final = "RELEASE"


@dataclass(slots=True)
class Loaded:
    """What the store says of an account."""

    account: Account
    water: HighWater
    halted: str = ""
    pending: dict[str, Adjustment | Transfer] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)  # fills of symbols that are not the account's
    transfers: list[Transfer] = field(default_factory=list)  # that the state's day and peak do not know yet
    folded: int = 0  # fills that were read


def load_account(log: AccountLog, instruments: Iterable[Instrument] | None, *, anew: bool = False) -> Loaded:
    """Read an account.

    A state is believed when, with the fills after its last one, it holds as many as the store does; else everything is folded
    from the first fill, in the order (venue's time, trade id).

    Parameters
    ----------
    instruments : iterable of Instrument, optional
        The state's own when left out.
    anew : bool
        Do not look at positions of the state.
    """
    told = log.state()
    listed = None if instruments is None else list(instruments)
    if told is not None and not anew:
        account = account_of(log.venue, log.account, told[1], listed)
        if account is not None:
            loaded = Loaded(account, water_of(told[1]["water"]), told[1].get("halted", ""))
            try:
                if _add_tail(log, loaded):
                    return _with_pending(log, loaded)
            except Resync:
                pass  # something belongs before the state's end
    if listed is None:
        kept = account_of(log.venue, log.account, told[1]) if told is not None else None
        listed = list(kept.instruments.values()) if kept is not None else []
    loaded = Loaded(Account(log.venue, log.account, listed), HighWater())
    if told is not None:
        loaded.water, loaded.halted = water_of(told[1]["water"]), told[1].get("halted", "")
    values = _fee_values(log, FIRST_MS)
    placed: list[Fill | Adjustment] = [one for row in log.fills() if (one := _own(row, loaded, values)) is not None]
    loaded.folded = len(placed)
    signed = _signed(log).values()
    placed += [one for one in signed if isinstance(one, Adjustment)]
    for entry in sorted(placed, key=lambda one: (one.symbol, one.key)):
        loaded.account.book(entry)
    for moved in signed:
        loaded.account.book(moved)
    _add_others(log, loaded, {ref for kind, ref in told[1]["seen"] if kind == TRANSFER} if told is not None else set())
    return _with_pending(log, loaded)


def _add_tail(log: AccountLog, loaded: Loaded) -> bool:
    account = loaded.account
    since_ms = min((account.last[s][0] if s in account.last else FIRST_MS for s in account.instruments), default=FIRST_MS)
    values = _fee_values(log, since_ms)
    for row in log.fills(since_ms=since_ms):
        fill = _own(row, loaded, values)
        if fill is not None and fill.key > account.last.get(fill.symbol, (FIRST_MS, -1, "")):
            account.book(fill)
            loaded.folded += 1
    for adjustment in _signed(log).values():
        account.book(adjustment)
    _add_others(log, loaded, {ref for kind, ref in account.seen if kind == TRANSFER})
    stored = {symbol: count for symbol, count in log.fill_counts().items() if symbol in account.instruments}
    return stored == {symbol: count for symbol, count in account.counts.items() if count}


def _add_others(log: AccountLog, loaded: Loaded, known: set[str]) -> None:
    for one in _others(log):
        is_new = loaded.account.book(one)
        if is_new and isinstance(one, Transfer) and one.source == TRANSFERS and one.transfer_id not in known:
            loaded.transfers.append(one)


def _own(row: Any, loaded: Loaded, values: dict[str, int]) -> Fill | None:
    if row.symbol not in loaded.account.instruments:
        loaded.strangers.append(f"{row.symbol} {row.trade_id}")
        return None
    one = fill_of(row._mapping, loaded.account.instruments[row.symbol], strategy=row.strategy)
    if one.fee and one.fee_settle is None:
        worth = values.get(f"{one.symbol} {one.trade_id}")
        return fill_of(row._mapping, loaded.account.instruments[row.symbol], strategy=row.strategy, fee_settle=worth)
    return one


def fill_of(row: Any, instrument: Instrument, *, strategy: str | None, fee_settle: int | None = None) -> Fill:
    """A fill from its row of the store.

    Parameters
    ----------
    row : mapping
        As `b25.store.order_log.OrderLog.book` takes it.
    strategy : str, optional
        None when no order is known for it.
    fee_settle : int, optional
        Worth of a fee in another asset at the time of the fill, atoms. One in the settlement currency, or in the asset that was
        traded, needs none.
    """
    fee, asset = Decimal(row["fee"]), row["fee_asset"] or instrument.settle
    price_ticks, qty_lots = instrument.ticks(row["price"]), instrument.lots(row["qty"])
    if asset == instrument.settle or not fee:
        fee_settle = atoms(fee)
    elif asset == instrument.base and not instrument.inverse:
        fee_settle = atoms(fee * Decimal(row["price"]))
    return Fill(
        symbol=row["symbol"],
        trade_id=str(row["trade_id"]),
        strategy=strategy or UNATTRIBUTED,
        side=1 if row["side"] == "buy" else -1,
        price_ticks=price_ticks,
        qty_lots=qty_lots,
        time_ms=int(row["venue_ts_ms"]),
        fee=atoms(fee),
        fee_asset=asset,
        fee_settle=fee_settle,
        realised=None if row.get("realized") is None else atoms(row["realized"]),
        maker=bool(row.get("maker")),
        is_expected=strategy is not None,
    )


def _fee_values(log: AccountLog, since_ms: int) -> dict[str, int]:
    return {row.ref: int(row.amount) for row in log.entries(FEE, since_ms=since_ms)}


def _signed(log: AccountLog) -> dict[str, Adjustment | Transfer]:
    signed = {row.ref for row in log.entries(SIGNATURE)}
    return {row.ref: adjustment_of(row) for row in log.entries(ADJUSTMENT) if row.ref in signed}


def _others(log: AccountLog) -> list[Entry]:
    found: list[Entry] = []
    for row in log.entries(FUNDING, TRANSFER):
        body = body_of(row)
        if row.kind == FUNDING:
            shares = tuple((name, int(amount)) for name, amount in body["shares"])
            payment_id = row.ref.removeprefix(f"{row.symbol} ")
            one: Entry = Funding(
                payment_id=payment_id,
                symbol=row.symbol,
                asset=row.asset,
                amount=int(row.amount),
                time_ms=row.time_ms,
                shares=shares,
            )
        else:
            one = Transfer(
                transfer_id=row.ref, asset=row.asset, amount=int(row.amount), time_ms=row.time_ms, strategy=row.strategy,
                source=body["source"],
            )  # fmt: skip
        found.append(one)
    return found


def _with_pending(log: AccountLog, loaded: Loaded) -> Loaded:
    loaded.pending = pending_of(log)
    if is_resumed(log, loaded.halted):
        loaded.halted = ""
    return loaded


def is_resumed(log: AccountLog, halted: str) -> bool:
    """Whether a person has ended this very halt."""
    return bool(halted) and any(row.ref == halted for row in log.entries(RESUME))


def copy_holds(log: AccountLog) -> dict[str, tuple[str, str]]:
    """Symbols that the drop copy holds: reference and why."""
    released = {row.ref for row in log.entries(RELEASE)}
    return {row.symbol: (row.ref, str(body_of(row)["why"])) for row in log.entries(HOLD) if row.ref not in released}


def pending_of(log: AccountLog) -> dict[str, Adjustment | Transfer]:
    """Adjustments that nobody has signed or rejected yet."""
    settled = {row.ref for row in log.entries(SIGNATURE, REJECTION)}
    return {row.ref: adjustment_of(row) for row in log.entries(ADJUSTMENT) if row.ref not in settled}


def adjustment_of(row: Any) -> Adjustment | Transfer:
    """An adjustment from its entry: of a position, or of an asset's balance."""
    if row.asset is not None:
        return Transfer(
            transfer_id=row.ref, asset=row.asset, amount=int(row.amount), time_ms=row.time_ms, source=ADJUSTMENTS
        )  # fmt: skip
    body = body_of(row)
    return Adjustment(
        adjustment_id=row.ref,
        symbol=row.symbol,
        strategy=row.strategy,
        delta_lots=int(body["delta_lots"]),
        value=int(body["value"]),
        correction=int(body["correction"]),
        time_ms=row.time_ms,
    )


def adjustment_row(one: Adjustment | Transfer, why: str) -> EntryRow:
    """An adjustment as an entry."""
    if isinstance(one, Transfer):
        return EntryRow(
            kind=ADJUSTMENT, ref=one.transfer_id, time_ms=one.time_ms, asset=one.asset, amount=one.amount, body={"why": why}
        )  # fmt: skip
    body = {"delta_lots": str(one.delta_lots), "value": str(one.value), "correction": str(one.correction), "why": why}
    return EntryRow(
        kind=ADJUSTMENT, ref=one.adjustment_id, time_ms=one.time_ms, symbol=one.symbol, strategy=one.strategy, body=body
    )  # fmt: skip


def funding_row(one: Funding) -> EntryRow:
    """A payment as an entry, with its shares."""
    shares = [[name, str(amount)] for name, amount in one.shares]
    return EntryRow(
        kind=FUNDING, ref=f"{one.symbol} {one.payment_id}", time_ms=one.time_ms, symbol=one.symbol, asset=one.asset,
        amount=one.amount, body={"shares": shares},
    )  # fmt: skip


def transfer_row(one: Transfer) -> EntryRow:
    """A transfer as an entry."""
    return EntryRow(
        kind=TRANSFER, ref=one.transfer_id, time_ms=one.time_ms, asset=one.asset, amount=one.amount, strategy=one.strategy,
        body={"source": one.source},
    )  # fmt: skip


def signature_row(ref: str, *, by: str, reason: str, time_ms: int, rejects: bool = False) -> EntryRow:
    """What a person decided on an adjustment."""
    return EntryRow(kind=REJECTION if rejects else SIGNATURE, ref=ref, time_ms=time_ms, body={"by": by, "reason": reason})


def resume_row(halted: str, *, by: str, reason: str, time_ms: int) -> EntryRow:
    """That a person ended a halt, which is named by its own words."""
    return EntryRow(kind=RESUME, ref=halted, time_ms=time_ms, body={"by": by, "reason": reason})
