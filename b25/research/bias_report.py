"""What the bias checks found: one sentence a finding, with its place and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

Severity = Literal["fault", "warning", "note"]
ORDER: tuple[Severity, ...] = ("fault", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that makes a result look better than it is, or may.

    Attributes
    ----------
    code : str
        Kind in one or two words, e.g. ``"look-ahead"``, ``"warm-up"``, ``"gap"``.
    severity : {"fault", "warning", "note"}
        A fault is proven to distort the result; a warning can; a note is worth knowing.
    what : str
        Field, variable, instrument or option that it is about.
    sentence : str
        What was seen, where, with numbers.
    remedy : str
        What to do.
    """

    code: str
    severity: Severity
    what: str
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.code}: {self.what}: {self.sentence}\n    remedy: {self.remedy}"


@dataclass(frozen=True, slots=True, eq=False)
class BiasReport:
    """Outcome of all checks.

    Attributes
    ----------
    name : str
        Of the strategy.
    findings : tuple of Finding
        Gravest first.
    checked : tuple of (name, text)
        What was looked at, so that silence can be judged.
    recursive : polars.DataFrame or None
        How far each field at the end depends on how many bars came before: field, bars, difference (relative).
    """

    name: str
    findings: tuple[Finding, ...]
    checked: tuple[tuple[str, str], ...] = ()
    recursive: pl.DataFrame | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """True when no finding is a fault."""
        return not any(finding.severity == "fault" for finding in self.findings)

    @property
    def grave(self) -> list[Finding]:
        """Faults and warnings."""
        return [finding for finding in self.findings if finding.severity != "note"]

    def of(self, code: str) -> list[Finding]:
        """Findings of one kind."""
        return [finding for finding in self.findings if finding.code == code]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON shows."""
        return {"ok": self.ok, "findings": [asdict(finding) for finding in self.findings], "checked": dict(self.checked)}

    def __repr__(self) -> str:
        lines = [f"Bias checks of {self.name}: {self.verdict}"]
        lines += [f"  {finding}" for finding in self.findings]
        lines += [f"  checked: {name}: {text}" for name, text in self.checked]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        colour = {"fault": "#c0392b", "warning": "#b9770e", "note": "inherit"}
        rows = "".join(
            f'<tr><td style="color:{colour[f.severity]};font-weight:600">{escape(f.severity)}</td>'
            f"<td>{escape(f.code)}</td><td><code>{escape(f.what)}</code></td>"
            f'<td>{escape(f.sentence)}<div style="opacity:.65">{escape(f.remedy)}</div></td></tr>'
            for f in self.findings
        )
        small = "".join(f"<div>{escape(name)}: {escape(text)}</div>" for name, text in self.checked)
        return (
            '<div style="font-family:system-ui,sans-serif;color:inherit;max-width:860px;line-height:1.4">'
            f'<div style="font-size:16px;font-weight:700">Bias checks of {escape(self.name)}: {escape(self.verdict)}</div>'
            f'<table style="font-size:13px;text-align:left">{rows}</table>'
            f'<div style="font-size:11px;margin-top:8px;opacity:.65">{small}</div></div>'
        )

    @property
    def verdict(self) -> str:
        """How many findings of each severity, in words."""
        counts = [(kind, sum(f.severity == kind for f in self.findings)) for kind in ORDER]
        said = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts if count)
        return said or "nothing found"


def gravest_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings in order of severity, otherwise as found."""
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.severity)))
