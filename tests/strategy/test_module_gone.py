"""Machine code is cached only where the module that wrote the class can be found again."""

import sys
from pathlib import Path

import b25
from b25.strategy.compile import compile_strategy
from b25.strategy.strategy import Strategy

SOURCE = """
import b25
class Gone(b25.Strategy):
    seen: int = 0
    def on_book(self, ctx):
        self.seen += 1
"""


def gone() -> type[Strategy]:
    names: dict[str, type[Strategy]] = {"__name__": "a_module_that_is_nowhere"}  # type: ignore[dict-item]
    exec(SOURCE, names)  # noqa: S102 - our own text
    return names["Gone"]


def test_a_class_of_no_module_compiles_again_in_the_next_process(tmp_path: Path) -> None:
    data = b25.sample(minutes=1, catalog=tmp_path)
    for _ in range(2):
        result = b25.backtest(gone(), data, compiled=True)
        assert result.outcome.strategy["seen"][0] > 1_000
        # What a new process would not have.
        for name in [n for n in sys.modules if n.startswith("b25_generated_gone")]:
            del sys.modules[name]


def test_a_cache_whose_module_has_gone_is_not_trusted(tmp_path: Path) -> None:
    data = b25.sample(minutes=1, catalog=tmp_path)
    sys.modules["a_module_that_is_nowhere"] = sys.modules[__name__]
    first = compile_strategy(gone())
    del sys.modules["a_module_that_is_nowhere"], sys.modules[f"b25_generated_{first.key}"]
    assert b25.backtest(gone(), data, compiled=True).outcome.strategy["seen"][0] > 1_000
