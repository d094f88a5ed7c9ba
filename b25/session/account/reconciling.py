"""Compares an account with its venue: missing trades first, then what was paid and moved; what then differs is drift."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from b25.account.ledger.amounts import atoms
from b25.account.ledger.drift import Difference, Held, Severity, adjustment_for, compare
from b25.account.ledger.entries import ADJUSTMENTS, OPENING, Adjustment, Funding, Transfer
from b25.session.account.book import AccountBook
from b25.session.account.loading import FUNDING, TRANSFER, adjustment_row, signature_row, transfer_row
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import Balance

TRIES: Final = 3
LOOK_AGAIN_S: Final = 2.0
PAGES_MAX: Final = 1_000
FLAT: Final = Held(quantity=Fraction(0))
Pull = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """How a comparison went.

    Attributes
    ----------
    is_compared : bool
        False when the venue did not answer, or trades came in during every try: then nothing was judged.
    why : str
        Why it was not.
    differences : list of Difference
        What differs after missing trades were pulled.
    proposed : list of str
        References of the adjustments that would settle it.
    """

    is_compared: bool
    why: str = ""
    differences: list[Difference] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    balances: Mapping[str, Balance]
    positions: Mapping[str, Held]


async def reconcile(book: AccountBook, port: VenuePort, *, pull: Pull, look_again_s: float = LOOK_AGAIN_S) -> Reconciliation:
    """Compare, and act on what differs: hold the symbols, propose adjustments, raise alerts, halt.

    Parameters
    ----------
    book : AccountBook
    port : VenuePort
    pull : callable
        Reads the account's executions from the venue and books those that are missing, in the store and in `book`; tells
        whether all could be read.
    look_again_s : float
        How long a venue's reads may lag behind its trades: a difference must still be there after it.

    Raises
    ------
    StoreFailed
        When an entry could not be made durable. Nothing that depends on it was booked.
    """
    book.take_signed()
    last: list[Difference] | None = None
    for attempt in range(TRIES):
        count = book.booked
        if not await pull():
            return Reconciliation(is_compared=False, why="the venue's trades could not be read")
        told = await _ask(port)
        if told is None:
            return Reconciliation(is_compared=False, why="the venue's balances and positions could not be read")
        began_ms = _began_ms(book)
        if began_ms and attempt == 0 and (why := await _take_flows(book, port, began_ms)):
            return Reconciliation(is_compared=False, why=why)
        _open(book, told)
        differences = _differences(book, told)
        if not differences:
            return _judge(book, told, [])
        # A trade between the two readings looks like drift; what is the same after another look is none of that.
        if last is not None and _same(differences, last) and book.booked == count:
            # Lists of flows cost a venue's budget the most: they are read once more only where they may explain something.
            if began_ms and (why := await _take_flows(book, port, began_ms)):
                return Reconciliation(is_compared=False, why=why)
            left = _differences(book, told)
            if _same(left, differences):
                return _judge(book, told, differences)
            if not left:
                return _judge(book, told, [])
            differences = left
        last = differences
        await asyncio.sleep(look_again_s)
    return Reconciliation(is_compared=False, why="the account moved during every comparison")


async def _ask(port: VenuePort) -> _Told | None:
    balances, positions = await asyncio.gather(port.balances(), port.positions())
    if balances.value is None or positions.value is None:
        return None
    held = {one.symbol: Held(quantity=Fraction(one.qty), entry=Fraction(one.entry_price)) for one in positions.value.values()}
    return _Told(balances.value, held)


def _wallets(told: _Told) -> dict[str, Fraction]:
    """Balances without unrealised profit. One that the venue does not tell so is left out: it cannot be compared."""
    return {asset: Fraction(one.wallet) for asset, one in told.balances.items() if one.wallet is not None}


def _differences(book: AccountBook, told: _Told) -> list[Difference]:
    found = compare(book.account, _wallets(told), told.positions)
    unknown = {asset for asset, one in told.balances.items() if one.wallet is None}
    return [one for one in found if one.kind == "position" or one.name not in unknown]


def _same(one: list[Difference], other: list[Difference]) -> bool:
    return [(d.kind, d.name, d.ours, d.theirs) for d in one] == [(d.kind, d.name, d.ours, d.theirs) for d in other]


# -- what trades do not tell ------------------------------------------------------------------------


async def _take_flows(book: AccountBook, port: VenuePort, began_ms: int) -> str:
    """Book funding and transfers since the last ones; say why they could not be read."""
    if port.abilities.funding:
        for symbol in book.account.instruments:
            if not await _take_funding(book, port, symbol, began_ms):
                return f"the funding of {symbol} could not be read"
    told = await port.transfers(since_ms=_since(book, TRANSFER, None, began_ms))
    for one in told.value or ():
        if one.time_ms > began_ms:
            amount = atoms(one.amount)
            book.transfer(Transfer(transfer_id=one.transfer_id, asset=one.asset, amount=amount, time_ms=one.time_ms))
    return ""  # a venue that lists no transfers leaves them to a person, as a difference of the balance


async def _take_funding(book: AccountBook, port: VenuePort, symbol: str, began_ms: int) -> bool:
    since_ms = _since(book, FUNDING, symbol, began_ms)
    for _ in range(PAGES_MAX):
        told = await port.funding_payments(symbol, since_ms=since_ms)
        if told.value is None:
            return False
        taken = [
            Funding(payment_id=one.payment_id, symbol=symbol, asset=one.asset, amount=atoms(one.amount), time_ms=one.time_ms)
            for one in told.value
            if one.time_ms > began_ms and ("FUNDING", f"{symbol} {one.payment_id}") not in book.account.seen
        ]
        if not taken:
            return True
        for one in taken:
            book.fund(one)
        since_ms = taken[-1].time_ms
    return False


def _since(book: AccountBook, kind: str, symbol: str | None, began_ms: int) -> int:
    rows = [row for row in book.log.entries(kind, since_ms=began_ms) if row.symbol == symbol]
    return max([row.time_ms for row in rows], default=began_ms)


# -- the beginning ----------------------------------------------------------------------------------


def _began_ms(book: AccountBook) -> int:
    """When our books began; what was paid or moved before is in the opening balances. 0 while they have not."""
    rows = [row for row in book.log.entries(TRANSFER) if row.ref.startswith("opening ")]
    return min((row.time_ms for row in rows), default=0)


def _open(book: AccountBook, told: _Told) -> None:
    """Take what the venue has as what was there before our first entry; an asset that appears later began with nothing.

    Positions that our fills do not explain are adopted likewise, with the venue's entry, once.
    """
    is_first = not book.account.opened
    time_ms = book.now_ns() // 10**6
    if is_first:
        for one in compare(book.account, {}, told.positions):
            theirs = told.positions.get(one.name, FLAT)
            ref = f"opening {one.name}"
            made = adjustment_for(book.account, one.name, theirs, adjustment_id=ref, time_ms=time_ms)
            signed = signature_row(ref, by="opening", reason="held at the beginning", time_ms=time_ms)
            book.log.add(adjustment_row(made, one.text), signed)
            book.enter(made)
            book.alert("ADOPTED", Severity.WARNING, f"held at the beginning: {one.text}")
    wallets = _wallets(told)
    openings = []
    for asset in sorted({*wallets, *book.account.assets()} - book.account.opened):
        if asset in told.balances and asset not in wallets:
            continue  # told with unrealised profit only
        amount = wallets.get(asset, Fraction(0)) - book.account.wallet(asset, as_told=True) if is_first else Fraction(0)
        openings.append(
            Transfer(transfer_id=f"opening {asset}", asset=asset, amount=atoms(amount), time_ms=time_ms, source=OPENING)
        )  # fmt: skip
    if openings:
        book.log.add(*map(transfer_row, openings))  # all or none: half an opening would be believed
        for opening in openings:
            book.enter(opening)


# -- judging ----------------------------------------------------------------------------------------


def _judge(book: AccountBook, told: _Told, differences: list[Difference]) -> Reconciliation:
    judged = book.watch.observe(differences)
    book.reconciled_ns = book.now_ns()
    rows = {asset: (str(one.free), str(one.used), str(one.total)) for asset, one in told.balances.items()}
    book.log.save_balances(rows, ts_ns=book.reconciled_ns)
    book.holds = {one.name: f"the {one.kind} differs from the venue's: {one.text}" for one in differences}
    book.theirs = {one.name: told.positions.get(one.name, FLAT) for one in differences if one.kind == "position"}
    for one in differences:
        severity = Severity.CRITICAL if judged.halt else max(judged.severity, Severity.WARNING)
        book.alert(f"{one.kind.upper()}_DRIFT", severity, one.text)
    proposed = _propose(book, differences, told)
    if book.policy.signs:
        for _ in range(2):  # positions first: what they realise is part of the balance
            for ref in proposed:
                book.sign(ref, by=book.policy.signs, reason="automatic")
            proposed += (more := _propose(book, _differences(book, told), told))
            if not more:
                break
        book.holds, book.theirs = {}, {}
    elif judged.halt:
        book.halt(judged.halt)
    return Reconciliation(is_compared=True, differences=differences, proposed=proposed)


def _propose(book: AccountBook, differences: list[Difference], told: _Told) -> list[str]:
    """Write the adjustments that would settle differences, each once for as long as it stays the same; their references."""
    time_ms = book.now_ns() // 10**6
    made: list[tuple[Adjustment | Transfer, str]] = []
    positions = [one for one in differences if one.kind == "position"]
    for one in positions:
        theirs, net = told.positions.get(one.name, FLAT), book.account.net[one.name]
        ref = f"adj {one.name} {net.lots} {round(theirs.quantity / Fraction(net.instrument.lot))} {book.account.counts[one.name]}"
        mark = book.prices.marks.get(one.name)
        settled = adjustment_for(book.account, one.name, theirs, adjustment_id=ref, time_ms=time_ms, mark=mark)
        made.append((settled, one.text))
    waiting = {book.account.instruments[one.name].settle for one in positions}
    for one in differences:
        if one.kind == "balance" and one.name not in waiting:
            amount = atoms(one.theirs - one.ours)
            ref = f"adj {one.name} {amount} {book.account.flows(one.name)}"
            moved = Transfer(transfer_id=ref, asset=one.name, amount=amount, time_ms=time_ms, source=ADJUSTMENTS)
            made.append((moved, one.text))
    rows = [adjustment_row(one, why) for one, why in made]
    if new := [row for row in rows if row.ref not in book.pending]:
        book.log.add(*new)
        book.take_signed()
    return [row.ref for row in rows]


def as_facts(found: Reconciliation) -> dict[str, Any]:
    """A comparison as plain data."""
    return {
        "is_compared": found.is_compared,
        "why": found.why,
        "differences": [
            {"kind": one.kind, "name": one.name, "ours": str(float(one.ours)), "theirs": str(float(one.theirs)), "text": one.text}
            for one in found.differences
        ],
        "proposed": found.proposed,
    }
