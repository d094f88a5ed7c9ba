"""What happens all day in a notebook: a cell with a strategy class is edited and run again."""

import b25

CELL = """
class Leaner(b25.Strategy):
    quantity: float = b25.param(0.01, gt=0, unit="base")

    def lean(self, ctx):
        return ctx.bid_quantity() - ctx.ask_quantity()

    def on_book(self, ctx):
        if self.lean(ctx) > THRESHOLD and ctx.working(b25.BUY) == 0:
            ctx.buy(self.quantity)
"""


def run_cell(threshold: float) -> type[b25.Strategy]:
    """Define the class as a notebook does: in `__main__`, without a file to read its text from."""
    names = {"b25": b25, "__name__": "__main__", "THRESHOLD": threshold}
    exec(CELL, names)  # noqa: S102 - our own text
    return names["Leaner"]


def test_a_class_run_again_with_another_constant_is_compiled_anew(tmp_path):
    data = b25.sample(minutes=1, catalog=tmp_path)
    submits = []
    for threshold in (0.05, 0.3, 0.05):
        compiled = b25.backtest(run_cell(threshold), data, compiled=True)
        plain = b25.backtest(run_cell(threshold), data, compiled=False)
        assert compiled.hash == plain.hash
        submits.append(compiled.order_counts.submits)
    assert submits[0] == submits[2] > submits[1] > 0
