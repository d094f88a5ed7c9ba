"""What the eight widgets have in common: their module, an update at most ten times a second, and a picture without a widget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from b25.model.errors import B25Error, Misuse
from b25.notebook.widgets.assets import module, stylesheet
from b25.notebook.widgets.fallback import html_card, text_card
from b25.notebook.widgets.slot import NewestValue

try:
    import anywidget
    import traitlets
except ModuleNotFoundError as missing:
    raise Misuse(
        f"widgets need {missing.name}, which is not installed", remedy="install b25[lab], or use the results' own displays"
    ) from None

SYNC: Final[dict[str, Any]] = {"sync": True}
MODES: Final = ("backtest", "replay", "paper", "observe", "canary", "live")


def status_of(
    mode: str | None = None,
    *,
    age_s: float | None = None,
    is_stale: bool = False,
    why: str = "",
    probation: str = "",
    source: str = "",
) -> dict[str, Any]:
    """Return what a widget says about its data.

    Parameters
    ----------
    mode : str, optional
        backtest, replay, paper, observe, canary or live; None when it is not known.
    age_s : float, optional
        By the clock of whoever sent the data; None for data that does not grow old, or whose age is not known.
    is_stale : bool
        Whether the data cannot be relied on.
    why : str
        Why it is stale.
    probation : str
        Why the session is on probation; empty when it is not.
    source : str
        Where the data come from.
    """
    return {
        "mode": mode or "unknown", "age_s": age_s, "is_stale": is_stale, "why": why, "probation": probation, "source": source,
        "heard_ms": time.time() * 1e3,
    }  # fmt: skip


class Widget(anywidget.AnyWidget):
    """A widget of b25.

    Attributes
    ----------
    status : dict
        See `status_of`.
    notice : str
        What went wrong with the last thing that was asked of it.
    asked : dict
        The last message of a page whose model cannot send, as Panel's.
    """

    title = traitlets.Unicode("").tag(**SYNC)
    status = traitlets.Dict().tag(**SYNC)
    notice = traitlets.Unicode("").tag(**SYNC)
    asked = traitlets.Dict().tag(**SYNC)

    def __init_subclass__(cls, *, script: str = "", **kwargs: Any) -> None:
        if script:
            cls._esm, cls._css = module(script), stylesheet()
        super().__init_subclass__(**kwargs)

    def __init__(self, **traits: Any) -> None:
        self._closing: list[Callable[[], None]] = []
        self._slot = NewestValue(self._set)  # here, where the kernel's loop runs: `show` may be called by another thread
        self._closing.append(self._slot.close)
        super().__init__(**traits)
        self.on_msg(self._heard)
        self.observe(lambda change: self._heard(self, change["new"], []), "asked")

    # From Python to the browser.

    def show(self, **traits: Any) -> None:
        """Set traits soon: from any thread, at most ten times a second; of several calls in between the last one counts."""
        self._slot.put(traits)

    def _set(self, traits: dict[str, Any]) -> None:
        with self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)

    # From the browser to Python.

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        """Give a message to the method that is named after it; what is wrong with it is shown, not printed."""
        kind = content.get("kind") if isinstance(content, dict) else None
        answer = getattr(self, f"_on_{kind}", None) if isinstance(kind, str) and kind.isidentifier() else None
        if answer is None:
            return
        try:
            answer(content)
        except B25Error as fault:
            self.notice = str(fault)
        except (KeyError, TypeError, ValueError) as fault:
            self.notice = f"the widget sent {kind!r} without what it needs ({type(fault).__name__}: {fault})"

    # Its end.

    def close(self) -> None:
        """Take the widget off the page, and let go of what feeds it."""
        closing: list[Callable[[], None]] = self.__dict__.get("_closing", [])  # of one that was refused, there is none
        while closing:
            closing.pop()()
        super().close()

    # Without widgets.

    def facts(self) -> Sequence[tuple[str, str]]:
        """What it shows, as (name, text)."""
        return ()

    def static_html(self) -> str:
        """The same without a script: what an exported notebook shows."""
        return html_card(self.title or type(self).__name__, self.facts())

    def __repr__(self) -> str:
        return text_card(self.title or type(self).__name__, [("widget", type(self).__name__), *self.facts()])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        made = super()._repr_mimebundle_(**kwargs)
        if made is None:
            return {"text/plain": repr(self), "text/html": self.static_html()}
        data, *more = made if isinstance(made, tuple) else (made,)
        return ({**data, "text/plain": repr(self), "text/html": self.static_html()}, *more)
