"""`%%backtest`, `%%sweep` and `%promote`: a cell that defines a strategy is run, searched, or promoted; each gives the result."""

from __future__ import annotations

import ast
import getpass
from collections.abc import Callable
from typing import Any, Final

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from b25.model.errors import Misuse
from b25.notebook.arguments import AskedForHelp, Words
from b25.notebook.data_options import add_data_options, add_run_options, open_data, run_keywords
from b25.notebook.saved_notebook import history_of, notebook_path

RUN_MAGICS: Final = {"cell": ("backtest", "sweep"), "line": ("promote",)}


def backtest_words() -> Words:
    """Words of `%%backtest`."""
    words = Words(
        "%%backtest", "Run the cell, which defines a strategy class, then backtest the class.",
        "%%backtest --symbol BTC/USDT:USDT --timeframe 1h --timerange 20240101-20240201 --param fast=10",
    )  # fmt: skip
    add_data_options(words)
    add_run_options(words)
    words.add_argument("--check", action="store_true", help="Look for look-ahead and warm-up faults with all checks.")
    return words


def sweep_words() -> Words:
    """Words of `%%sweep`."""
    words = Words(
        "%%sweep", "Run the cell, which defines a strategy class, then try many points of its parameters.",
        "%%sweep --timeframe 1h --grid fast=5:50:5 --grid slow=60,90",
    )  # fmt: skip
    add_data_options(words)
    add_run_options(words)
    words.add_argument("--grid", action="append", metavar="NAME=A,B,…", help="Values: fast=5,10 or fast=5:50:5.")
    words.add_argument("--search", choices=("random", "optuna"), help="In place of a grid.")
    words.add_argument("--space", action="append", metavar="NAME=LOW:HIGH", help="Range of a search.")
    words.add_argument("--points", type=int, help="How many points a search takes.")
    words.add_argument("--seed", type=int, default=25, help="Of a search.")
    words.add_argument("--objective", default="sharpe", help="Figure to choose by.")
    words.add_argument("--minimize", action="store_true", help="Less of the objective is better.")
    words.add_argument("--undefined", choices=("stop", "show"), default="stop", help="What to do without an objective.")
    return words


def promote_words() -> Words:
    """Words of `%promote`."""
    words = Words(
        "%promote", "Promote a class of this notebook, as it is saved: lint, cut, run again, prove, freeze.", "%promote Lean"
    )
    words.add_argument("cls", metavar="CLASS", help="Name of the class.")
    words.add_argument("--notebook", help="File of this notebook, where it cannot be found out.")
    words.add_argument("--dry-run", action="store_true", help="Lint, cut and import alone; prove and write nothing.")
    words.add_argument("--param", action="append", metavar="NAME=VALUE", help="A parameter that is not at its default.")
    words.add_argument("--never-cancels", action="store_true", help="Declare that it never cancels an order.")
    words.add_argument("--by", default="", help="Who promotes it; left out: who is logged in.")
    add_data_options(words)
    return words


@magics_class
class RunMagics(Magics):
    """Magics that run a strategy."""

    @cell_magic
    def backtest(self, line: str, cell: str) -> Any:
        """Run the cell and backtest the class that it defines; returns the result. `%%backtest --help` tells all."""
        return self._answered(lambda: self._backtest(line, cell))

    @cell_magic
    def sweep(self, line: str, cell: str) -> Any:
        """Run the cell and try points of the class that it defines; returns the sweep. `%%sweep --help` tells all."""
        return self._answered(lambda: self._sweep(line, cell))

    @line_magic
    def promote(self, line: str) -> Any:
        """Promote a class of this notebook as it is saved; returns the report. `%promote --help` tells all."""
        return self._answered(lambda: self._promote(line))

    @property
    def kernel(self) -> Any:
        """The shell that these magics are of."""
        return self.shell

    def close(self) -> None:
        """Nothing is held open."""

    def _answered(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except AskedForHelp:
            return None

    def _backtest(self, line: str, cell: str) -> Any:
        from b25.research import bias
        from b25.research.backtest import backtest

        options = backtest_words().read(line)
        cls = self._class_of(cell, options.cls)
        if cls is None:
            return None
        data = open_data(options, cls)
        how = run_keywords(options, data)
        found = backtest(cls, data, **how)
        self._keep(options.into, found)
        if options.check:
            self._show(found)
            return bias.check(cls, data, result=found, **how)
        return found

    def _sweep(self, line: str, cell: str) -> Any:
        from b25.research.asked import grid_of, space_of
        from b25.research.sweep import sweep

        options = sweep_words().read(line)
        cls = self._class_of(cell, options.cls)
        if cls is None:
            return None
        data = open_data(options, cls)
        found = sweep(
            cls, data, grid=grid_of(options.grid) or None, search=options.search, points=options.points,
            space=space_of(options.space), seed=options.seed, objective=options.objective, maximize=not options.minimize,
            undefined=options.undefined, **run_keywords(options, data),
        )  # fmt: skip
        self._keep(options.into, found)
        return found

    def _promote(self, line: str) -> Any:
        from b25.research.asked import parameters

        options = promote_words().read(line)
        path = notebook_path(self.kernel, options.notebook)
        from b25.promote.here import promote_here

        named = options.symbol or options.timeframe or options.data
        data = open_data(options, self.kernel.user_ns.get(options.cls)) if named else None
        return promote_here(
            f"{path}:{options.cls}", data=data, by=options.by or getpass.getuser(), dry_run=options.dry_run,
            say=lambda step, text: print(f"{step:<8} {text}"), history=history_of(self.kernel),
            params=parameters(options.param, "--param"), never_cancels=options.never_cancels,
        )  # fmt: skip

    def _class_of(self, cell: str, wanted: str | None) -> Any:
        """Run the cell and give its strategy class; None when the cell failed, which has been shown by then."""
        from b25.strategy.strategy import Strategy

        names = defined_classes(cell)
        ran = self.kernel.run_cell(cell, store_history=False)
        if not ran.success:
            return None
        found = {
            name: held for name in names if isinstance(held := self.kernel.user_ns.get(name), type) and issubclass(held, Strategy)
        }
        if wanted is not None:
            if wanted not in found:
                raise Misuse(f"the cell defines no strategy {wanted}", remedy=f"it defines {', '.join(found) or 'none'}")
            return found[wanted]
        if len(found) != 1:
            told = f"{len(found)} strategies ({', '.join(found)})" if found else "no strategy"
            remedy = "say which: --class NAME" if found else "derive a class from b25.Strategy in it"
            raise Misuse(f"the cell defines {told}", remedy=remedy)
        return next(iter(found.values()))

    def _keep(self, name: str | None, found: Any) -> None:
        if name is None:
            return
        if not name.isidentifier():
            raise Misuse(f"--into {name!r} is no name", remedy="write e.g. --into result")
        self.kernel.user_ns[name] = found

    def _show(self, found: Any) -> None:
        from IPython.display import display

        display(found)  # type: ignore[no-untyped-call]


def defined_classes(cell: str) -> list[str]:
    """Names of the classes at the top level of a cell, in order."""
    try:
        tree = ast.parse(cell)
    except SyntaxError:
        return []  # running it says what is wrong
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
