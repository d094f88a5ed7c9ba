"""What an account never does: lose an atom, count twice, depend on the order of arrival, or make up a worth."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.account.ledger.account import Account
from b25.account.ledger.amounts import ATOMS, atoms, decimal_of
from b25.account.ledger.cell import WINDOW, Cell
from b25.account.ledger.drift import Held, adjustment_for
from b25.account.ledger.entries import TRANSFERS, UNATTRIBUTED, Adjustment, Funding, Transfer
from b25.account.ledger.statement import make_statement
from b25.kernels.ledger import unrealised
from b25.model.errors import Misuse, Resync
from b25.model.position import POSITION
from tests.account.books import COIN, ONE, SPOT, TENTH, fees, fill, opened

F = Fraction
NAMES = ("a", "b", UNATTRIBUTED)
STEP = st.tuples(st.sampled_from(NAMES), st.integers(-30, 30).filter(bool), st.integers(1, 999), st.integers(-500, 5_000))
MONEY = st.tuples(st.sampled_from(("funding", "transfer", "adjust")), st.integers(-(10**9), 10**9).filter(bool))
STORY = st.lists(STEP | MONEY, min_size=1, max_size=25)


def entries_of(story, instrument):
    made = []
    for k, step in enumerate(story, 1):
        if len(step) == 4:
            name, lots, ticks, fee = step
            made.append(fill(k, lots, ticks, strategy=name, instrument=instrument, fee=str(decimal_of(fee * ATOMS // 1000))))
        elif step[0] == "funding":
            made.append(Funding(payment_id=str(k), symbol=instrument.symbol, asset=instrument.settle, amount=step[1], time_ms=k))
        elif step[0] == "transfer":
            made.append(Transfer(transfer_id=str(k), asset=instrument.settle, amount=step[1], time_ms=k, source=TRANSFERS))
        else:
            lots = step[1] % 7 - 3
            made.append(
                Adjustment(
                    adjustment_id=f"adj-{k}", symbol=instrument.symbol, strategy="", delta_lots=lots,
                    value=lots * (step[1] % 90 + 1), correction=0 if instrument is SPOT else step[1] % 5, time_ms=k,
                )
            )  # fmt: skip
    return made


def state_of(account):
    positions = {key: cell.rows.tobytes() for key, cell in account.cells.items() if cell.keys}
    return positions, {s: net.rows.tobytes() for s, net in account.net.items()}, dict(account.books), dict(account.fees_settle)


@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("instrument", [ONE, TENTH, SPOT])
@given(story=STORY, mark=st.integers(1, 999))
def test_equity_changes_by_profit_less_fees_plus_funding_and_every_atom_has_two_sides(instrument, story, mark):
    account, prices = opened(instrument, USD=5_000, USDT=5_000)
    before = account.wallet(instrument.quote)
    transferred = F(0)
    for entry in entries_of(story, instrument):
        assert account.book(entry)
        assert not account.book(entry)
        assert list(account.unbalanced()) == []
        if isinstance(entry, Transfer):
            transferred += F(entry.amount, ATOMS)
    prices.mark(instrument.symbol, mark * F(instrument.tick))
    statement = make_statement(account, prices)
    net = sum((line.net for line in statement.net), F(0))
    assert statement.equity == before + transferred + net
    assert sum((one.net for one in statement.strategies), F(0)) == net


@settings(deadline=None, max_examples=60)
@given(story=STORY, dice=st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(story, dice):
    entries = [entry for entry in entries_of(story, ONE) if not isinstance(entry, Funding)]
    mixed = list(entries)
    dice.shuffle(mixed)
    one, other = opened(ONE)[0], opened(ONE)[0]
    for entry in entries:
        one.book(entry)
    for entry in [*mixed, *mixed[:3]]:
        other.book(entry)
    assert state_of(one) == state_of(other)


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEP, min_size=1, max_size=25), mark=st.integers(100_000, 999_999))
def test_strategies_against_each_other_are_worth_what_the_account_is(steps, mark):
    account, prices = opened(COIN)
    for k, (name, lots, ticks, _) in enumerate(steps, 1):
        account.book(fill(k, lots, ticks * 1_000, strategy=name, instrument=COIN))
    prices.mark(COIN.symbol, F(mark, 10))
    net = account.net[COIN.symbol]
    parts = [cell for cell in account.cells.values()]
    at = prices.marks[COIN.symbol]
    assert sum(cell.lots for cell in parts) == net.lots
    assert sum(cell.realised() + cell.unrealised(at) for cell in parts) == net.realised() + net.unrealised(at)


@given(lots=st.integers(-99, 99).filter(bool), ticks=st.integers(100_000, 999_999), mark=st.integers(100_000, 999_999))
def test_the_exact_profit_is_what_the_kernel_says_in_floats(lots, ticks, mark):
    for instrument in (ONE, COIN):
        cell = Cell(instrument)
        cell.take(fill(1, lots, ticks, instrument=instrument))
        exact = cell.unrealised(mark * F(instrument.tick))
        said = unrealised(cell.position, cell.record, 2 * mark) * float(instrument.money_unit)
        assert float(exact) == pytest.approx(said, rel=1e-9, abs=1e-9)


def test_a_fill_that_is_older_than_what_is_kept_asks_for_the_store_and_books_nothing():
    account, _ = opened(ONE)
    for k in range(1, 2 * WINDOW + 2):
        account.book(fill(k * 10, 1 if k % 2 else -1, 10))
    before = state_of(account)
    with pytest.raises(Resync, match="read the account's fills from the store again"):
        account.book(fill(15, 1, 10, strategy="b"))
    assert state_of(account)[1:] == before[1:]
    assert account.book(fill(20 * WINDOW - 5, 1, 10))  # a late one within the window finds its place


def test_a_symbol_that_is_not_the_account_s_is_refused_by_name():
    with pytest.raises(Misuse, match="TEN/USD:USD is no instrument of this account"):
        opened(ONE)[0].book(fill(1, 1, 1, instrument=TENTH))


def test_a_missing_mark_makes_equity_unknown_and_keeps_what_was_realised():
    account, prices = opened(ONE, USD=100)
    account.book(fill(1, 2, 10))
    account.book(fill(2, -1, 15))
    statement = make_statement(account, prices)
    assert statement.equity is None
    assert statement.missing == ("a mark of ONE/USD:USD",)
    assert (statement.net[0].realised, statement.net[0].unrealised, statement.net[0].net) == (5, None, None)


def test_an_opening_balance_that_is_not_known_makes_equity_unknown():
    account = Account("sim", "main", [ONE])
    assert make_statement(account, opened(ONE)[1]).missing == ("the opening balance of USD",)


def test_a_fee_of_unknown_worth_is_kept_apart_in_its_asset():
    account, prices = opened(ONE, USD=100)
    account.book(fill(1, 1, 10, fee="0.003", asset="BNB", settle=None))
    account.book(fill(2, -1, 12, fee="0.5"))
    (line,) = make_statement(account, prices).net
    assert (line.realised, line.fees, dict(line.unpriced), line.net) == (2, F(1, 2), {"BNB": F(3, 1000)}, None)
    assert account.wallet("BNB") == F(-3, 1000)
    assert fees(account) == F(1, 2)


def test_funding_goes_to_each_as_it_held_then_and_to_the_atom():
    account, _ = opened(ONE)
    account.book(fill(1, 30, 10, strategy="a"))
    account.book(fill(2, -10, 10, strategy="b"))
    account.book(fill(9, -25, 10, strategy="a"))  # after the payment
    account.book(Funding(payment_id="1", symbol=ONE.symbol, asset="USD", amount=atoms("-7") - 1, time_ms=5))
    paid = {name: account.funding[name, ONE.symbol] for name in "ab"}
    assert paid["a"] + paid["b"] == atoms("-7") - 1
    assert paid["a"] == pytest.approx(-10.5 * ATOMS, rel=1e-12)
    assert paid["b"] == pytest.approx(3.5 * ATOMS, rel=1e-12)


def test_a_world_begins_with_what_its_strategy_holds():
    account, _ = opened(ONE)
    account.book(fill(1, 30, 10, strategy="a", fee="1.5"))
    account.book(fill(2, -10, 12, strategy="b"))
    account.book(Funding(payment_id="1", symbol=ONE.symbol, asset="USD", amount=atoms("-4"), time_ms=5))
    rows, cash = account.opening("a")
    assert rows[ONE.symbol].dtype == POSITION
    row = rows[ONE.symbol][0]
    assert (row["position_lots"], row["cost"], row["fees"], row["fees_e8"], row["funding"]) == (30, 300, 1, 5 * 10**7, -6)
    assert cash == {"USD": atoms("-7.5")}


@settings(deadline=None)
@given(
    fills=st.lists(st.tuples(st.integers(-30, 30).filter(bool), st.integers(1, 999)), max_size=8),
    target=st.integers(-50, 50),
    entry=st.integers(1, 999),
    mark=st.none() | st.integers(1, 999),
)
def test_after_an_adjustment_quantity_and_entry_are_the_venue_s(fills, target, entry, mark):
    account, _ = opened(ONE)
    for k, (lots, ticks) in enumerate(fills, 1):
        account.book(fill(k, lots, ticks))
    net = account.net[ONE.symbol]
    before, held = net.realised(), net.lots
    made = adjustment_for(
        account, ONE.symbol, Held(quantity=F(target), entry=F(entry)), adjustment_id="adj", time_ms=99,
        mark=None if mark is None else F(mark),
    )  # fmt: skip
    account.book(made)
    assert net.lots == target
    assert list(account.unbalanced()) == []
    if target:
        assert net.entry() == entry
    grows = held * target >= 0 and abs(target) >= abs(held)
    if grows:
        assert net.realised() == before or held == 0
    assert account.wallet("USD") == net.realised()


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEP, min_size=12, max_size=40), dice=st.randoms(use_true_random=False))
def test_a_fill_that_is_a_little_late_finds_its_place_while_the_history_is_cut(steps, dice):
    entries = [fill(k, lots, ticks, strategy=name) for k, (name, lots, ticks, _) in enumerate(steps, 1)]
    late = sorted(entries, key=lambda one: one.time_ms + dice.random() * 3)  # at most two places
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("b25.account.ledger.cell.WINDOW", 4)
        one, other = opened(ONE)[0], opened(ONE)[0]
        for entry in entries:
            one.book(entry)
        for entry in late:
            other.book(entry)
    assert one.net[ONE.symbol].floor > (0, 0, "")
    assert state_of(one)[1:] == state_of(other)[1:]
    for key, cell in one.cells.items():
        assert cell.rows.tobytes() == other.cells[key].rows.tobytes()
