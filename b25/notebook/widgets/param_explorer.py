"""Sliders made from a strategy's parameters; each move is a backtest whose equity curve is there at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import traitlets

from b25.model.errors import B25Error, Misuse
from b25.notebook.widgets.controls import controls_of
from b25.notebook.widgets.explorer_result import Shown, compared, key_of, label_of, packed_curve
from b25.notebook.widgets.fallback import html_card, html_table
from b25.notebook.widgets.newest_run import NewestRun, Superseded
from b25.notebook.widgets.slot import running_loop
from b25.notebook.widgets.widget import SYNC, Widget, status_of
from b25.research.backtest import backtest
from b25.strategy.compile import NotCompilable, compile_strategy
from b25.strategy.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from b25.research.result import Backtest

KEPT: Final = 64  # runs that are remembered
PINS_MAX: Final = 5


class ParamExplorer(Widget, script="param_explorer"):
    """Try parameters.

    Parameters
    ----------
    strategy : class or instance of Strategy
        An instance brings the values to begin with.
    data : Dataset, Bars, or sequence of either
        As for `b25.backtest`.
    values : dict, optional
        Parameters to begin with, in place of the defaults.
    ranges : dict of str to (low, high), optional
        Ends of sliders, in place of the parameters' bounds.
    **how
        What `b25.backtest` takes beside parameters: fees, latency, bar_fills, limits, start, end …

    Attributes
    ----------
    values : dict
        The parameters as they stand; set it to move the sliders.
    result : Backtest or None
        Of the last run.

    Notes
    -----
    Every setting that is run counts as a trial of the data, as with `b25.backtest`: what is picked by eye is picked all the
    same, and the deflated Sharpe ratio says what is left of it.
    """

    controls: Any = traitlets.List().tag(**SYNC)
    values = traitlets.Dict().tag(**SYNC)
    curve = traitlets.Bytes(b"").tag(**SYNC)
    pinned_curves = traitlets.Bytes(b"").tag(**SYNC)
    pins: Any = traitlets.List().tag(**SYNC)
    baseline = traitlets.Unicode("").tag(**SYNC)
    figures: Any = traitlets.List().tag(**SYNC)
    trials = traitlets.Dict().tag(**SYNC)
    run = traitlets.Dict().tag(**SYNC)

    def __init__(
        self,
        strategy: type[Strategy] | Strategy,
        data: Any,
        *,
        values: Mapping[str, Any] | None = None,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        **how: Any,
    ) -> None:
        cls = strategy if isinstance(strategy, type) else type(strategy)
        if not issubclass(cls, Strategy):
            raise Misuse(f"{cls.__name__} is no strategy", remedy="derive the class from b25.Strategy")
        own = strategy.parameters if isinstance(strategy, Strategy) else {}
        self._cls, self._data, self._how = cls, data, how
        start = self._checked({**{n: p.default for n, p in cls.params.items()}, **own, **(values or {})})
        self._known: OrderedDict[str, Shown] = OrderedDict()
        self._pinned: dict[str, Shown] = {}
        self._shown: Shown | None = None
        self._partial: Callable[[Shown], None] | None = None
        controls = controls_of(cls, ranges)
        super().__init__(title=f"{cls.__name__}: parameters", controls=controls, values=start, status=status_of("backtest"))
        loop = running_loop()
        self._runs = NewestRun(self._work, self._done, loop)
        self._loop = loop
        self._closing.append(self._runs.close)
        self.observe(self._moved, "values")
        self._ask(dict(start))

    @property
    def result(self) -> Backtest | None:
        """The last run, whole."""
        return None if self._shown is None else self._shown.result

    # What is asked for.

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values in their parameters' types; Misuse for an unknown name, or one out of bounds."""
        if unknown := sorted(set(values) - set(self._cls.params)):
            known = ", ".join(self._cls.params) or "none"
            raise Misuse(f"{self._cls.__name__} has no parameter {unknown[0]!r}", remedy=f"use one of {known}")
        return {name: self._cls.params[name].check(self._cls.__name__, name, value) for name, value in values.items()}

    def _moved(self, change: Any) -> None:
        try:
            values = self._checked({n: p.default for n, p in self._cls.params.items()} | dict(change["new"]))
        except Misuse as fault:
            self.notice = str(fault)
            return
        self._ask(values)

    def _ask(self, values: dict[str, Any]) -> None:
        key = key_of(values)
        if key in self._known:
            self._runs.cancel()
            self._known.move_to_end(key)
            self._present(self._known[key], is_cached=True)
            return
        self.run = {"state": "running", "key": key, "number": self._runs.begun + 1}
        self._runs.ask((key, values, time.perf_counter()))

    def _on_pin(self, _: Mapping[str, Any]) -> None:
        """Keep the curve that is shown, to compare others with."""
        shown = self._shown
        if shown is None or not shown.metrics:
            raise Misuse("nothing to pin yet", remedy="wait until the run has ended")
        if len(self._pinned) >= PINS_MAX and shown.key not in self._pinned:
            raise Misuse(f"{PINS_MAX} settings are pinned already", remedy="take one off first")
        self._pinned[shown.key] = shown
        self.baseline = self.baseline or shown.key
        self._show_pins()

    def _on_unpin(self, message: Mapping[str, Any]) -> None:
        self._pinned.pop(str(message["key"]), None)
        if self.baseline not in self._pinned:
            self.baseline = next(iter(self._pinned), "")
        self._show_pins()

    def _on_compare(self, message: Mapping[str, Any]) -> None:
        if (key := str(message["key"])) in self._pinned:
            self.baseline = key
            self._show_pins()

    def _on_take(self, message: Mapping[str, Any]) -> None:
        """Go back to a pinned setting."""
        if (key := str(message["key"])) in self._pinned:
            self.values = dict(self._pinned[key].values)

    def _on_cancel(self, _: Mapping[str, Any]) -> None:
        self._runs.cancel()

    # What comes of it.

    def _work(self, job: tuple[str, dict[str, Any], float], check: Callable[..., None]) -> Shown:
        """Run one setting, in a thread; the curve is shown before the figures are computed."""
        key, values, asked_s = job
        if self._how.get("compiled") is False or not _compiles(self._cls):
            self._runs.plain()
        result = backtest(self._cls, self._data, progress=check, **self._how, **values)
        check()
        shown = Shown(key, values, packed_curve(result.curve), result, {}, (time.perf_counter() - asked_s) * 1e3)
        self._from_thread(shown)
        check()
        return Shown(key, values, shown.curve, result, result.metrics, shown.run_ms)

    def _from_thread(self, shown: Shown) -> None:
        if self._loop is None:
            self._present(shown, is_cached=False)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._present(shown, is_cached=False))

    def _done(self, job: tuple[str, dict[str, Any], float], shown: Shown | None, fault: BaseException | None) -> None:
        key = job[0]
        if shown is not None:
            self._known[key] = shown
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            if not self._pinned:  # the first run is what others are compared with
                self._pinned[key] = shown
                self.baseline = key
                self._show_pins()
            if self.run.get("key") == key:
                self._present(shown, is_cached=False)
        elif self.run.get("key") == key:
            if isinstance(fault, Superseded):
                self.run = {"state": "cancelled", "key": key}
            else:
                self.run = {"state": "failed", "key": key}
                self.notice = str(fault) if isinstance(fault, B25Error) else f"{type(fault).__name__}: {fault}"

    def _present(self, shown: Shown, *, is_cached: bool) -> None:
        if self.run.get("key") not in (shown.key, None) and not is_cached:
            return  # a newer setting was asked for meanwhile
        self._shown = shown
        state = "done" if shown.metrics else "curve"
        made = shown.result.made
        run = {"state": state, "key": shown.key, "run_ms": shown.run_ms, "is_cached": is_cached, "compiled": made.compiled}
        more = {"figures": self._figures(shown), "trials": shown.trials} if shown.metrics else {}
        self._set({"curve": shown.curve, "run": run, "notice": "", **more})

    def _figures(self, shown: Shown) -> list[dict[str, Any]]:
        names = shown.result.instruments
        return compared(shown, self._pinned.get(self.baseline), currency=shown.result.currency, base=names[0].base)

    def _show_pins(self) -> None:
        defaults = {name: param.default for name, param in self._cls.params.items()}
        pins = [
            {"key": one.key, "label": label_of(one.values, [n for n, v in one.values.items() if v != defaults[n]]),
             "points": len(one.curve) // 16}
            for one in self._pinned.values()
        ]  # fmt: skip
        more = {"figures": self._figures(self._shown)} if self._shown is not None and self._shown.metrics else {}
        self._set({"pinned_curves": b"".join(one.curve for one in self._pinned.values()), "pins": pins, **more})

    # Without widgets.

    def facts(self) -> Sequence[tuple[str, str]]:
        """Parameters as they stand."""
        return [(name, f"{value:g}") for name, value in self.values.items()]

    def static_html(self) -> str:
        """Figures of the last run, and its curve."""
        shown = self._shown
        if shown is None:
            return html_card(self.title, self.facts(), "<div>no run yet</div>")
        from b25.analytics.display import sparkline

        rows = [(one["title"], one["text"], one.get("difference", "")) for one in self.figures]
        table = html_table(("figure", "value", "difference"), rows)
        return html_card(self.title, self.facts(), sparkline(shown.result.curve), table)


def _compiles(cls: type[Strategy]) -> bool:
    try:
        compile_strategy(cls)
    except NotCompilable:
        return False
    return True
