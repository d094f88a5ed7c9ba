"""A class that cannot become machine code says where and why; a callback that raises halts with its line."""

import math
import re
from pathlib import Path

import pytest

import b25
from b25.model.errors import Halt
from b25.model.order import Reason
from b25.research.backtest import _machine_code as machine_code
from b25.strategy.compile import NotCompilable, compile_strategy
from b25.strategy.strategy import Strategy
from tests.engine.runs import ETH, book, depth, run, track_of
from tests.strategy import faulty

MARKET = track_of([*book(1_000, {26_800: 5}, {26_801: 5}), depth(2_000, b25.BUY, 26_799, 5)], ETH)


def fault_of(name: str) -> tuple[type[Strategy], str]:
    """A faulty class, and `file.py:line` of its fault."""
    lines = Path(faulty.__file__).read_text().splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(f"class {name}("))
    return getattr(faulty, name), f"faulty.py:{next(k for k, line in enumerate(lines) if k > start and 'FAULT' in line) + 1}"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("UnknownMethod", "there is no 'middle'"),
        ("UnknownField", "the class declares no field 'fair'"),
        ("UndefinedName", "name 'mid' is not defined"),
        ("PlainFunction", "halved is a plain function; make it a method"),
        ("GlobalDict", "Untyped global name 'NAMES'"),
    ],
)
def test_a_class_that_cannot_be_compiled_says_where_and_why(name, why):
    cls, place = fault_of(name)
    with pytest.raises(NotCompilable) as raised:
        compile_strategy(cls)
    assert raised.value.what.startswith(f"{name} cannot be compiled: {place}: ")
    assert why in raised.value.what
    assert "Record(" not in raised.value.what
    assert "compiled=False" in str(raised.value)


def test_it_runs_as_plain_python_unless_machine_code_was_insisted_on():
    cls, _ = fault_of("PlainFunction")
    call, why = machine_code(cls, None)
    assert call is None
    assert "halved" in why
    with pytest.raises(NotCompilable):
        machine_code(cls, True)
    assert machine_code(cls, False) == (None, "asked for")
    assert run(cls, MARKET, compiled=False).notes["value"][-1] == pytest.approx(268.005 / 2, abs=0.01)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize(
    ("name", "error"),
    [("DividesByZero", "ZeroDivisionError"), ("LeavesTheWindow", "IndexError"), ("Raises", "ValueError: enough")],
)
def test_a_callback_that_raises_halts_with_class_error_and_time(name, error, compiled):
    cls, place = fault_of(name)
    with pytest.raises(Halt, match=re.escape(f"{name} raised {error}")) as raised:
        run(cls, MARKET, compiled=compiled)
    assert "1970-01-01T00:00:00.000001000 UTC" in raised.value.what
    # What numba raises by itself has no line of its own.
    assert place in raised.value.what or (compiled and "compiled=False" in str(raised.value))


def test_a_division_by_zero_in_a_window_halts_in_both_lives():
    for compiled in (True, False):
        with pytest.raises(Halt, match="ZeroDivisionError"):
            run(faulty.DividesInAWindow, MARKET, compiled=compiled)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_a_price_that_is_no_number_is_refused_and_nothing_else_happens(compiled):
    class NanPrices(b25.Strategy):
        def on_book(self, ctx):
            ctx.buy(0.001, ctx.entry_price())
            ctx.quote(b25.SELL, ctx.ask() * 1e308 * 10.0, 0.001)
            ctx.quote(b25.BUY, math.nan, 0.001)
            ctx.sell(math.nan, ctx.ask())

    outcome = run(NanPrices, MARKET, compiled=compiled)
    assert set(outcome.effects["reason"].tolist()) == {Reason.NOT_A_NUMBER}
    assert outcome.fills.size == outcome.orders.size == 0
    assert outcome.world.positions["open_sell_lots"][0] == 0


def test_two_classes_of_one_name_are_two_strategies():
    def made(number: float) -> type[Strategy]:
        class Told(b25.Strategy):
            def on_book(self, ctx):
                ctx.log(1, number)

        return Told

    first, second = made(1.0), made(2.0)
    assert run(first, MARKET).notes["value"][0] == 1.0
    assert run(second, MARKET).notes["value"][0] == 2.0


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (lambda ctx: [ctx.buy(0.001, 1.0) for _ in range(300)], "more than 256 things at once"),
        (lambda ctx: [ctx.log(1, 1.0) for _ in range(70_000)], "ctx.log more than 8 192 times"),
    ],
)
def test_a_capacity_that_is_exceeded_halts_loudly(asked, why):
    class Greedy(b25.Strategy):
        def on_book(self, ctx):
            asked(ctx)

    with pytest.raises(Halt, match=why):
        run(Greedy, MARKET, compiled=False)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_reading_a_depth_that_is_not_kept_halts(compiled):
    class Deep(b25.Strategy):
        def on_book(self, ctx):
            ctx.log(1, ctx.imbalance(3))

    assert run(Deep, MARKET, compiled=compiled).notes.size > 0
    with pytest.raises(Halt, match="depth"):
        run(Deep, MARKET, compiled=compiled, depth=False)
