"""Accounts and entries in few words."""

from fractions import Fraction

from b25.account.ledger.account import Account
from b25.account.ledger.amounts import ATOMS, atoms
from b25.account.ledger.entries import OPENING, Fill, Transfer
from b25.account.ledger.prices import Prices
from b25.model.instrument import Instrument

ONE = Instrument(venue="sim", symbol="ONE/USD:USD", tick="1", lot="1")
TENTH = Instrument(venue="sim", symbol="TEN/USD:USD", tick="0.1", lot="1")
COIN = Instrument(venue="sim", symbol="BTC/USD:BTC", tick="0.1", lot="1", contract_size="100", inverse=True)
SPOT = Instrument(venue="sim", symbol="ETH/USDT", tick="0.01", lot="0.0001")
RATE = Fraction("0.0025")


def fill(number, lots, ticks, *, strategy="a", instrument=ONE, fee="0", asset="", settle="", **more):
    """A fill at `number` ms with that trade id; `settle` is the fee in the settlement currency, the fee itself when left out."""
    return Fill(
        symbol=instrument.symbol, trade_id=str(number), strategy=strategy, side=1 if lots > 0 else -1, price_ticks=ticks,
        qty_lots=abs(lots), time_ms=number, fee=atoms(fee), fee_asset=asset or instrument.settle,
        fee_settle=None if settle is None else atoms(settle or fee), **more,
    )  # fmt: skip


def opened(*instruments, **balances):
    """An account with opening balances, and prices in the first one's quote."""
    account = Account("sim", "main", instruments)
    for asset in account.assets():
        amount = atoms(str(balances.get(asset, "0")))
        account.book(Transfer(transfer_id=f"opening {asset}", asset=asset, amount=amount, time_ms=0, source=OPENING))
    return account, Prices(instruments, instruments[0].quote)


def fees(account, symbol=ONE.symbol):
    return Fraction(sum(v for (_, one), v in account.fees_settle.items() if one == symbol), ATOMS)
