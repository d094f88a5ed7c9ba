"""The dullest ledger: every fill is kept, and everything is summed from the first one whenever it is asked for."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class NaiveLedger:
    """Fills as (strategy, instrument, signed lots, price in ticks, fee in 1e-8 money units); marks in ticks by instrument."""

    instruments: list
    fills: list = field(default_factory=list)
    marks: dict = field(default_factory=dict)

    def lots(self, strategy, i):
        return sum(lots for name, one, lots, _, _ in self.fills if one == i and strategy in (None, name))

    def value(self, i, lots, ticks):
        """Worth in money units, not rounded."""
        one = self.instruments[i]
        return -lots * Fraction(one.inverse_num) / ticks if one.inverse else lots * ticks

    def fees(self, strategy, i):
        return sum(Fraction(fee, 10**8) for name, one, _, _, fee in self.fills if one == i and strategy in (None, name))

    def gain(self, strategy, i):
        """Realised + unrealised - fees in the settlement currency; None without a mark that is needed."""
        lots = self.lots(strategy, i)
        if lots and i not in self.marks:
            return None
        paid = sum(self.value(i, n, ticks) for name, one, n, ticks, _ in self.fills if one == i and strategy in (None, name))
        held = self.value(i, lots, self.marks[i]) if lots else 0
        return (held - paid - self.fees(strategy, i)) * self.instruments[i].money_unit

    def equity(self):
        gains = [self.gain(None, i) for i in range(len(self.instruments))]
        return None if None in gains else sum(gains)
