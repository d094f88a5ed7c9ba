"""The steps of a promotion as they went: state, seconds, what each said; and what `promote_here` gives back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final

from b25.promote.version import Version

STEPS: Final = {
    "lint": "the saved file, read",
    "cut": "the class and all that it needs, cut out",
    "isolate": "imported where there is nothing else",
    "re-run": "the notebook once more, in a fresh kernel without network and keys",
    "prove": "one strategy in every life, and the comparison can fail",
    "bias": "look-ahead and warm-up",
    "freeze": "written once, signed",
    "gate": "states from draft to live, each with its evidence",
    "run": "the runner loads by name, number and hash",
    "watch": "live journals are replayed through the version every night",
}
Say = Callable[[str, str], None]
COLOURS: Final = {"ok": "#2e9e6b", "refused": "#d64545"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes
    ----------
    state : str
        ``"ok"``, ``"refused"``, ``"not applicable"``, ``"not done"`` (an earlier one refused, or a dry run) or ``"next"``.
    seconds : float
    text : str
        The last thing that it said.
    """

    name: str
    state: str
    seconds: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionReport:
    """How a promotion went.

    Attributes
    ----------
    name : str
        Of the class.
    steps : tuple of Step
        All ten, in order.
    version : Version or None
        What was frozen; None after a dry run or a refusal.
    refusal : str
        Why nothing was frozen; empty otherwise.
    warnings : tuple of str
        What the lint said without stopping.
    source : str
        What was cut out.
    """

    name: str
    where: str
    steps: tuple[Step, ...]
    version: Version | None = None
    refusal: str = ""
    warnings: tuple[str, ...] = ()
    source: str = field(default="", repr=False)

    @property
    def reference(self) -> str:
        """Name and number of what was frozen, or nothing."""
        return self.version.reference if self.version else ""

    @property
    def page(self) -> Path | None:
        """The report of the version, one self-contained HTML file."""
        return self.version.folder / "report.html" if self.version else None

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON shows."""
        version = self.version
        return {
            "class": self.name, "reference": self.reference or None, "refusal": self.refusal or None,
            "content_id": version.content_id if version else None, "folder": str(version.folder) if version else None,
            "report": str(self.page) if self.page else None, "warnings": list(self.warnings),
            "steps": [{"name": s.name, "state": s.state, "seconds": round(s.seconds, 3), "text": s.text} for s in self.steps],
        }  # fmt: skip

    @property
    def verdict(self) -> str:
        """What came of it, in one line."""
        if self.version:
            return f"{self.reference} is frozen, content {self.version.content_id[:12]}"
        return f"{self.name} was refused" if self.refusal else f"{self.name} can be promoted so far; nothing was written"

    def __repr__(self) -> str:
        lines = [self.verdict]
        lines += [
            f"  {i:>2} {s.name:<8} {s.state:<14} {s.seconds:6.1f} s  {s.text}".rstrip() for i, s in enumerate(self.steps, 1)
        ]
        lines += [f"  warning: {one}" for one in self.warnings]
        if self.refusal:
            lines.append(f"  {self.refusal}")
        return "\n".join([*lines, *([f"  report: {self.page}"] if self.page else [])])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html()}

    def _html(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:right;opacity:.65">{i}</td><td style="text-align:left"><b>{escape(s.name)}</b>'
            f'</td><td style="text-align:left;white-space:nowrap;color:{COLOURS.get(s.state, "inherit")}">{escape(s.state)}</td>'
            f'<td style="text-align:right;white-space:nowrap">{f"{s.seconds:.1f} s" if s.seconds else ""}</td>'
            f'<td style="text-align:left">{escape(s.text or STEPS[s.name])}</td></tr>'
            for i, s in enumerate(self.steps, 1)
        )
        told = [*(f"warning: {one}" for one in self.warnings), *([self.refusal] if self.refusal else [])]
        more = "".join(f'<div style="margin-top:6px;white-space:pre-wrap">{escape(one)}</div>' for one in told)
        page = str(self.page) if self.page else ""
        link = f'<div style="margin-top:8px">report: <a href="{escape(page)}">{escape(page)}</a></div>' if page else ""
        return (
            '<div style="font-family:system-ui,sans-serif;color:inherit;max-width:860px;line-height:1.4">'
            f'<div style="font-size:16px;font-weight:700">{escape(self.verdict)}</div>'
            f'<table style="font-size:13px;font-variant-numeric:tabular-nums">{rows}</table>{more}{link}</div>'
        )


class Course:
    """Keeps the steps while they are gone through, and tells each as it is said.

    Parameters
    ----------
    say : callable, optional
        Called with a step's name and a text.
    """

    def __init__(self, say: Say | None = None) -> None:
        self._say = say or (lambda step, text: None)
        self._done: dict[str, Step] = {}
        self._text: dict[str, str] = {}

    def say(self, step: str, text: str) -> None:
        """Tell something of a step; the last thing stays."""
        self._text[step] = text
        self._say(step, text)

    @contextmanager
    def step(self, name: str, *, since: float | None = None) -> Iterator[None]:
        """Go through one step; what it raises marks it as refused."""
        begun = time.monotonic() if since is None else since
        state = "refused"
        try:
            yield
            state = "ok"
        except Exception as fault:
            self._text[name] = str(getattr(fault, "what", fault))
            raise
        finally:
            self._done[name] = Step(name=name, state=state, seconds=time.monotonic() - begun, text=self._text.get(name, ""))

    def mark(self, name: str, state: str, text: str = "") -> None:
        """Say of a step that it was not gone through, and why."""
        self._done[name] = Step(name=name, state=state, text=text)

    def steps(self) -> tuple[Step, ...]:
        """All ten; those that were not reached as not done."""
        return tuple(self._done.get(name) or Step(name=name, state="not done") for name in STEPS)
