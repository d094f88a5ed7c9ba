"""Parent orders on bars: worked when a bar is complete or an order is answered, the same as machine code and as plain Python."""

import b25
from b25.model.parent import ParentState
from b25.venue.bar_models import BarFills
from tests.engine.bar_runs import bars_of, digest, engine_of, fills_of


class Slicer(b25.Strategy):
    """Buy in six slices of two minutes, then protect what is held."""

    twap_id: int = 0
    exit_id: int = 0

    def on_start(self, ctx):
        self.twap_id = ctx.twap(b25.BUY, 100.0, 720.0, 6)

    def on_bar(self, ctx):
        if self.exit_id == 0 and ctx.parent(self.twap_id).state == 4:
            self.exit_id = ctx.oco(b25.SELL, 100.0, stop=90.0, target=120.0)


class Trader(b25.Strategy):
    """Enter by a bracket at the third bar, and trail what an iceberg bought."""

    seen: int = 0

    def on_bar(self, ctx):
        self.seen += 1
        if self.seen == 3:
            ctx.bracket(b25.BUY, 10.0, 99.0, stop=95.0, target=110.0)
        if self.seen == 8:
            ctx.iceberg(b25.BUY, 10.0, 99.0, 4.0)
            ctx.trailing_stop(b25.SELL, 10.0, distance=5.0)


def both(cls, rows, **how):
    """Run as machine code and as plain Python; gives the first."""
    one, other = (engine_of(cls, bars_of(rows), compiled=compiled, **how).execute() for compiled in (True, False))
    assert digest(one) == digest(other)
    return one


def states(outcome):
    table = outcome.world.parents
    return [ParentState(int(row["state"])).name for row in table[table["state"] != 0]]


def test_a_twap_on_bars_adds_up_and_its_oco_closes():
    flat = [(100, 101, 99, 100)] * 20
    outcome = both(Slicer, [*flat, (100, 121, 100, 120), *[(120, 121, 119, 120)] * 4])
    bought = [lots for _, side, _, lots in fills_of(outcome) if side == b25.BUY]
    assert bought == [33, 17, 16, 17, 17]  # at the start there is no price: the first slice goes with the second
    assert fills_of(outcome)[-1][1:] == (b25.SELL, 120, 100)
    assert states(outcome) == ["DONE", "DONE"]
    assert int(outcome.world.positions[0]["position_lots"]) == 0
    assert outcome.world.head[0]["live_orders"] == 0


def test_quiet_bars_are_shown_in_one_go_again_once_no_parent_works():
    outcome = both(Slicer, [(100, 101, 99, 100)] * 400)
    assert int(outcome.world.bar_marks[0, 0]["seen"]) == 400
    assert states(outcome) == ["DONE", "WORKING"]


def test_a_bracket_and_a_trailing_stop_on_bars():
    calm = [(100, 101, 100, 100)] * 3
    rows = [
        *calm,
        (100, 101, 98, 100),  # enters at 99
        (100, 101, 94, 96),  # stopped at 95
        *[(96, 97, 95, 96)] * 3,
        (100, 101, 98, 100),  # the first tranche
        (100, 101, 98, 100),
        (100, 101, 98, 100),
        (100, 112, 100, 111),  # trails to 106
        (111, 112, 104, 105),
        *[(105, 106, 104, 105)] * 2,
    ]
    outcome = both(Trader, rows, fills=BarFills(limit="through"))
    sold = [(ticks, lots) for _, side, ticks, lots in fills_of(outcome) if side == b25.SELL]
    assert sold[0] == (95, 10)
    assert sold[-1][0] == 106
    assert int(outcome.world.positions[0]["position_lots"]) == 0
    assert outcome.world.head[0]["live_orders"] == 0


def test_a_sweep_point_with_parents_counts_what_a_single_run_does():
    rows = [(100, 101, 99, 100)] * 30
    outcome = both(Slicer, rows)
    engine = engine_of(Slicer, bars_of(rows), compact=True)
    engine.execute()
    assert int(engine.point[0]["fills"]) == outcome.fills.size
