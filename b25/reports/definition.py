"""Which reports there are: `reports.toml`, read and checked whole before anything of it is used.

    [daily]
    notebook = "notebooks/reports/daily_performance.ipynb"
    schedule = "0 7 * * mon-fri"
    timezone = "UTC"
    timeout_s = 300
    catch_up = "latest"                 # latest | all | none
    params = { symbols = ["BTC/USDT:USDT"], lookback_days = 30 }
    secrets = []                        # names that this report may read
    notify = ["failure", "recovered"]
    keep = { last = 30 }

`keep` says what retention leaves; a key that is not known is refused.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from b25.reports.refusals import BadReport, NoReport
from b25.reports.schedule import check_schedule, check_zone

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
TAKEN: Final = frozenset({"runs", "compare"})  # words of the addresses of reports
NAMED: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"  # a secret's name


class Keep(BaseModel):
    """What retention leaves.

    Attributes
    ----------
    last, daily_days, weekly, monthly : int
        Pages and figures: so many runs, one of each of so many days, weeks and months.
    failures_days, notebook_days : int
        Failed runs; executed notebooks.
    month_ends : bool
        Whether the last day's run of every month is kept for ever.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    last: int = Field(default=30, ge=1, le=10_000)
    daily_days: int = Field(default=30, ge=0, le=3_660)
    weekly: int = Field(default=26, ge=0, le=520)
    monthly: int = Field(default=24, ge=0, le=1_200)
    failures_days: int = Field(default=30, ge=1, le=3_660)
    notebook_days: int = Field(default=90, ge=1, le=3_660)
    month_ends: bool = True


class Report(BaseModel):
    """One report.

    Attributes
    ----------
    notebook : str
        Within the folder in which everything runs.
    schedule : str
        Five fields of cron, with named weekdays; empty for a report that is run on demand only.
    timeout_s, memory_mb, nice : int
        Limits of a run: wall clock, resident memory of all its processes, priority.
    catch_up : str
        Of slots that passed while nothing ran: `latest` runs the last one, `all` every one, `none` none.
    secrets : tuple of str
        Names of the secrets that its notebook may read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    notebook: str
    schedule: str = ""
    timezone: str = "UTC"
    timeout_s: int = Field(default=300, ge=1, le=86_400)
    memory_mb: int = Field(default=2_048, ge=128, le=1_000_000)
    nice: int = Field(default=10, ge=0, le=19)
    catch_up: Literal["latest", "all", "none"] = "latest"
    params: dict[str, Any] = Field(default_factory=dict)
    secrets: tuple[Annotated[str, Field(pattern=NAMED)], ...] = ()
    notify: tuple[Literal["failure", "recovered"], ...] = ("failure", "recovered")
    keep: Keep = Keep()

    @field_validator("notebook")
    @classmethod
    def _inside(cls, told: str) -> str:
        path = PurePosixPath(told)
        if path.is_absolute() or ".." in path.parts or path.suffix != ".ipynb" or set("{}\\\0") & set(told):
            raise ValueError("give the path of an .ipynb from here, without .. and without braces")
        return told

    @field_validator("timezone")
    @classmethod
    def _zone(cls, told: str) -> str:
        check_zone(told)
        return told

    @field_validator("schedule")
    @classmethod
    def _times(cls, told: str) -> str:
        if told:
            check_schedule(told)
        return told


def read_reports(path: Path) -> dict[str, Report]:
    """Return the reports of a file, by name.

    Raises
    ------
    BadReport
        Names the first key that is wrong, with its value, the rule, and what may have been meant.
    """
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadReport(
            f"there is no {path}", remedy="write it: [daily], and under it notebook = …; see docs/reports.md"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise BadReport(f"{path} cannot be read: {fault}", remedy="correct it there") from None
    return {name: _report(path, name, table) for name, table in held.items()}


def report_of(reports: Mapping[str, Report], name: str) -> Report:
    """Return a report by name. Raises NoReport when there is none."""
    if name not in reports:
        near = difflib.get_close_matches(name, reports, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(reports)) or 'none'}"
        raise NoReport(f"there is no report {name!r}", remedy=hint)
    return reports[name]


def _report(path: Path, name: str, table: Any) -> Report:
    if not NAME.fullmatch(name) or name in TAKEN:
        raise BadReport(f"{path}: {name!r} names no report", remedy="use small letters, digits, - and _, at most 40, not runs")
    if not isinstance(table, dict):
        raise BadReport(f"{path}: {name} is no table", remedy=f"write [{name}], and under it notebook = …")
    try:
        return Report(**{**table, "name": name})
    except ValidationError as fault:
        raise _misuse(path, name, fault) from None


def _misuse(path: Path, name: str, fault: ValidationError) -> BadReport:
    faults = fault.errors()
    first = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])  # a slip also lacks what was meant
    words = [str(word) for word in first["loc"]]
    place = f"{path}: [{name}] {'.'.join(words)}"
    if first["type"] == "extra_forbidden":
        known = [one for one in (Keep if words[0] == "keep" else Report).model_fields if one != "name"]
        near = difflib.get_close_matches(words[-1], known, 1)
        return BadReport(
            f"{place} is no setting", remedy=f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
        )  # fmt: skip
    if first["type"] == "missing":
        return BadReport(f"{place} is missing", remedy=f"give it under [{name}]")
    rule = first["msg"].removeprefix("Value error, ")
    return BadReport(f"{place} is {first['input']!r}: {rule}", remedy="correct it there")
