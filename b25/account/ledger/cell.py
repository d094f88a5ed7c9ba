"""One position and the history that made it: an entry that comes late is put where it belongs, and the rest folded again."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import Any, Final

import numpy as np

from b25.account.fold import book_trade, book_value
from b25.account.ledger.amounts import ATOMS
from b25.account.ledger.entries import Adjustment, Fill, Key
from b25.kernels.ledger import E8
from b25.model.errors import Resync
from b25.model.instrument import Instrument
from b25.model.position import POSITION

WINDOW: Final = 4_096  # entries within which a late one finds its place; for an older one the store is read anew
FIRST: Final[Key] = (-(2**62), -1, "")


class Cell:
    """A position of one strategy, or of the account, in one instrument.

    Lots, cash, fees and volume do not depend on the order of fills; entry and realised profit do. They are those of the order
    (venue's time, trade id), whatever the order of arrival was.

    Parameters
    ----------
    instrument : Instrument
    base : ndarray of POSITION, shape (1,), optional
        What was held before the history kept here.
    floor : Key
        Last entry that is in `base`.
    """

    def __init__(self, instrument: Instrument, base: np.ndarray | None = None, floor: Key = FIRST) -> None:
        self.instrument, self.record = instrument, instrument.record()[0]
        self.unit = instrument.money_unit
        self.base = np.zeros(1, POSITION) if base is None else base.copy()
        self.floor = floor
        self.rows = self.base.copy()
        self.middle = self.base  # after the first WINDOW of what is kept
        # 1e-8 money units in an atom, as a fraction: every fill asks for it.
        self._fee_num, self._fee_den = (Fraction(E8, ATOMS) / self.unit).as_integer_ratio()
        self.keys: list[Key] = []
        self.entries: list[Fill | Adjustment] = []

    @property
    def position(self) -> Any:
        """The POSITION record as it stands."""
        return self.rows[0]

    @property
    def lots(self) -> int:
        """Signed lots held."""
        return int(self.rows[0]["position_lots"])

    def admits(self, key: Key) -> bool:
        """Whether an entry with this place can still be put there."""
        return key > self.floor

    def take(self, entry: Fill | Adjustment) -> None:
        """Book an entry at its place.

        Raises
        ------
        Resync
            When it belongs before what is kept here. Nothing was booked.
        """
        key = entry.key
        if not self.admits(key):
            raise Resync(
                f"{entry.symbol}: entry {key} is older than the last {len(self.keys):,} that are kept",
                remedy="read the account's fills from the store again",
            )
        at = bisect_right(self.keys, key)
        self.keys.insert(at, key)
        self.entries.insert(at, entry)
        if at == len(self.keys) - 1:
            self._apply(self.rows[0], entry)
            if len(self.keys) == WINDOW:
                self.middle = self.rows.copy()
        else:
            self._fold_again()
        if len(self.keys) >= 2 * WINDOW:
            self._fold_oldest()

    def lots_at(self, time_ms: int) -> int:
        """Signed lots held at a moment that the kept history covers; its own entries of that millisecond included."""
        after = bisect_right(self.keys, (time_ms, 2**62, ""))
        return self.lots - sum(_delta(entry) for entry in self.entries[after:])

    def _fold_again(self) -> None:
        self.rows = self.base.copy()
        for count, entry in enumerate(self.entries, 1):
            self._apply(self.rows[0], entry)
            if count == WINDOW:
                self.middle = self.rows.copy()

    def _fold_oldest(self) -> None:
        self.base, self.middle = self.middle, self.rows.copy()
        self.floor = self.keys[WINDOW - 1]
        del self.keys[:WINDOW], self.entries[:WINDOW]

    def _apply(self, position: Any, entry: Fill | Adjustment) -> None:
        if isinstance(entry, Adjustment):
            book_value(position, np.int64(entry.delta_lots), np.int64(entry.value), np.int64(entry.correction))
            return
        # Half up: the books count the fee to the atom, this is what the strategy's world sees of it.
        fee_e8 = (2 * (entry.fee_settle or 0) * self._fee_num + self._fee_den) // (2 * self._fee_den)
        book_trade(
            position, self.record, np.int64(entry.side), np.int64(entry.price_ticks), np.int64(entry.qty_lots), np.int64(fee_e8),
            np.int64(entry.maker),
        )  # fmt: skip

    # -- money ------------------------------------------------------------------------------------

    def realised(self) -> Fraction:
        """Profit of what was closed, settlement currency, before fees and funding."""
        return int(self.rows[0]["realised"]) * self.unit

    def cost(self) -> Fraction:
        """Signed opening value of what is held, settlement currency."""
        return int(self.rows[0]["cost"]) * self.unit

    def value(self, mark: Fraction) -> Fraction:
        """Signed worth of what is held at a mark in quote units, exact: negative for an inverse long, as in the kernels."""
        ticks = mark / Fraction(self.instrument.tick)
        if self.instrument.inverse:
            return -self.lots * Fraction(self.instrument.inverse_num) / ticks * self.unit
        return self.lots * ticks * self.unit

    def unrealised(self, mark: Fraction | None) -> Fraction | None:
        """Profit of what is held at a mark; None while one is needed and not known."""
        if self.lots == 0:
            return Fraction(0)
        return None if mark is None else self.value(mark) - self.cost()

    def entry(self) -> Fraction | None:
        """Average price of what is held, quote units; None when flat."""
        if self.lots == 0:
            return None
        cost, tick = int(self.rows[0]["cost"]), Fraction(self.instrument.tick)
        if self.instrument.inverse:
            return None if cost == 0 else -self.lots * Fraction(self.instrument.inverse_num) / cost * tick
        return Fraction(cost, self.lots) * tick


def _delta(entry: Fill | Adjustment) -> int:
    return entry.delta_lots if isinstance(entry, Adjustment) else entry.side * entry.qty_lots
