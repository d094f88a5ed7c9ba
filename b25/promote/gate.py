"""What each step of a version needs, judged from what was found; and which roles may take it. No I/O, no clock."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from b25.config.settings import PromotionSettings
from b25.model.errors import Misuse
from b25.promote.states import State
from b25.session.lived import Lived
from b25.store.drift_notes import NOT_RUN, UNEXPLAINED

HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
RESEARCHER, TRADER, RISK, ADMIN = "researcher", "trader", "risk", "admin"
EVERYBODY: Final = frozenset({RESEARCHER, TRADER, RISK, ADMIN})
STEP_ROLES: Final[dict[State, frozenset[str]]] = {
    State.VALIDATED: frozenset({RESEARCHER, TRADER, RISK}),
    State.OBSERVE: frozenset({TRADER}),
    State.PAPER: frozenset({TRADER}),
    State.CANARY: frozenset({RISK}),
    State.LIVE: frozenset({RISK}),
}
STOP_ROLES: Final = frozenset({TRADER, RISK, ADMIN})  # to pause, to retire
RESUME_ROLES: Final = frozenset({RISK})
SKIP_ROLES: Final = frozenset({RISK})
ROLLBACK_ROLES: Final = frozenset({TRADER, RISK})
SECOND_PERSON: Final = frozenset({State.CANARY, State.LIVE})  # who made it does not take it there
LOWER_IS_STRICTER: Final = frozenset({"canary_size_factor", "canary_cost_bps_max", "drill_days_max"})
OWN: Final = frozenset(PromotionSettings.model_fields) - {"cool_off_s"}  # what a strategy may make stricter for itself


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a step needs.

    Attributes
    ----------
    told : str
        What was found, in a sentence.
    may_skip : bool
        Whether somebody with the role `risk` may pass over it.
    """

    name: str
    met: bool
    told: str
    remedy: str
    may_skip: bool = True

    def facts(self) -> dict[str, Any]:
        """As plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found of a version.

    Attributes
    ----------
    unproven : str
        What is wrong with its files, signature, proof or bias report; empty when all is as it must be.
    limits, limits_live : mapping of str to str
        Limits that are configured for its class and hold on paper, and live: by name, where from.
    limits_for_live : tuple of str
        Limits that a live session must have.
    runs : sequence of Lived
        Sessions that ran it.
    drift : str
        none, explained, unexplained, or not run.
    drill_ns, alert_ns : int
        When the kill switch was last pulled, completed and re-armed, and when an alert last reached somebody; 0 for never.
    """

    now_ns: int
    unproven: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    limits_live: Mapping[str, str] = field(default_factory=dict)
    limits_for_live: tuple[str, ...] = ()
    runs: Sequence[Lived] = ()
    drift: str = NOT_RUN
    drill_ns: int = 0
    alert_ns: int = 0


@dataclass(frozen=True, slots=True)
class Clean:
    """What sessions without a fault did since the last fault."""

    watched_ns: int = 0
    fills: int = 0
    fee_e8: int = 0
    turnover: int = 0
    fault: str = ""

    @property
    def hours(self) -> float:
        """Hours watched."""
        return self.watched_ns / HOUR_NS

    @property
    def cost_bps(self) -> float:
        """Fees in basis points of what was traded."""
        return self.fee_e8 / 1e8 / self.turnover * 1e4 if self.turnover else 0.0


def clean_runs(runs: Iterable[Lived], *modes: str) -> Clean:
    """Add up the sessions of some modes that ran with what was promoted: a fault voids everything before it."""
    sums = Clean()
    for one in sorted((one for one in runs if one.mode in modes or not one.mode), key=lambda one: one.began_ns):
        if one.fault:
            sums = Clean(fault=f"{one.session}: {one.fault}")
        elif one.as_promoted:
            sums = Clean(
                sums.watched_ns + one.watched_ns, sums.fills + one.fills, sums.fee_e8 + one.fee_e8,
                sums.turnover + one.turnover, sums.fault,
            )  # fmt: skip
    return sums


def needs_of(to: State, found: Evidence, asked: PromotionSettings, reference: str) -> list[Need]:
    """Return what the step to a state needs, met or not.

    Parameters
    ----------
    to : State
        Where one step of the ladder ends.
    asked : PromotionSettings
        Minimum requirements, with what the strategy itself made stricter.
    reference : str
        ``name@number``, for the commands that help.
    """
    proven = Need(
        "proof", not found.unproven, found.unproven or "signature, files, proof and bias checks are as they must be",
        "promote it anew: b25 promote", may_skip=False,
    )  # fmt: skip
    judged: dict[State, Callable[[], list[Need]]] = {
        State.VALIDATED: lambda: [],
        State.OBSERVE: lambda: [_limits(found, live=False)],
        State.PAPER: lambda: [_limits(found, live=False), _observed(found, asked, reference)],
        State.CANARY: lambda: [_limits(found, live=True), *_on_paper(found, asked, reference), *_tested(found, asked)],
        State.LIVE: lambda: [_limits(found, live=True), *_as_canary(found, asked, reference), *_tested(found, asked)],
    }
    return [proven, *judged[to]()]


def _limits(found: Evidence, *, live: bool) -> Need:
    wanted = found.limits_for_live if live else ("position_max",)
    held = found.limits_live if live else found.limits
    missing = [name for name in wanted if name not in held]
    where = ", ".join(sorted(set(held.values())))
    mode = "live" if live else "on paper"
    told = f"no risk_limit that holds {mode} sets {', '.join(missing)}" if missing else f"limits are assigned by {where}"
    remedy = "b25 config set default/default/default/limits limits.toml --type risk_limit --activate"
    return Need("limits", not missing, told, remedy, may_skip=False)


def _hours(name: str, sums: Clean, hours: float, remedy: str) -> Need:
    told = f"{sums.hours:.1f} of {hours:g} h without an error" + (f"; since {sums.fault}" if sums.fault else "")
    return Need(name, sums.hours >= hours, told, remedy)


def _observed(found: Evidence, asked: PromotionSettings, reference: str) -> Need:
    sums = clean_runs(found.runs, "observe", "paper")
    return _hours("observe_hours", sums, asked.observe_hours, f"b25 run {reference} --mode observe")


def _on_paper(found: Evidence, asked: PromotionSettings, reference: str) -> list[Need]:
    sums, remedy = clean_runs(found.runs, "paper"), f"b25 run {reference} --mode paper"
    return [
        _hours("paper_hours", sums, asked.paper_hours, remedy),
        Need("paper_fills", sums.fills >= asked.paper_fills, f"{sums.fills} of {asked.paper_fills} fills on paper", remedy),
        _drift(found),
    ]


def _as_canary(found: Evidence, asked: PromotionSettings, reference: str) -> list[Need]:
    sums, remedy = clean_runs(found.runs, "live"), f"b25 run {reference} --mode live"
    costs = f"fees of {sums.cost_bps:.2f} bp of what was traded, at most {asked.canary_cost_bps_max:g} are allowed"
    return [
        _hours("canary_hours", sums, asked.canary_hours, remedy),
        Need("canary_fills", sums.fills >= asked.canary_fills, f"{sums.fills} of {asked.canary_fills} fills as a canary", remedy),
        Need("canary_costs", sums.turnover > 0 and sums.cost_bps <= asked.canary_cost_bps_max, costs, "look at its fills"),
        _drift(found),
    ]


def _drift(found: Evidence) -> Need:
    is_bad = found.drift == UNEXPLAINED
    told = f"drift between its sessions and their replay: {found.drift}"
    remedy = "explain it first: b25 session replay SESSION" if is_bad else "compare its sessions with their replay"
    return Need("drift", found.drift not in (UNEXPLAINED, NOT_RUN), told, remedy, may_skip=not is_bad)


def _tested(found: Evidence, asked: PromotionSettings) -> list[Need]:
    def fresh(name: str, what: str, at_ns: int, remedy: str) -> Need:
        days = (found.now_ns - at_ns) / DAY_NS
        told = f"{what} {days:.1f} days ago, at most {asked.drill_days_max:g}" if at_ns else f"never {what}"
        return Need(name, at_ns > 0 and days <= asked.drill_days_max, told, remedy)

    return [
        fresh("kill_drill", "kill switch pulled, completed and re-armed", found.drill_ns, "b25 kill, then b25 kill re-arm"),
        fresh("alerts", "an alert delivered", found.alert_ns, "b25 alerts test CHANNEL"),
    ]


def stricter(asked: PromotionSettings, own: Mapping[str, Any], reference: str) -> PromotionSettings:
    """Return the requirements with what a strategy asks of itself; what would be laxer changes nothing.

    Raises
    ------
    Misuse
        For a name or a value that is none: a wish to be careful must not be lost by a slip.
    """
    changed: dict[str, Any] = {}
    for name, value in own.items():
        if name not in OWN:
            raise Misuse(f"{reference}: its gate has {name!r}", remedy=f"use {', '.join(sorted(OWN))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise Misuse(f"{reference}: its gate has {name}={value!r}", remedy="give a positive number")
        held = getattr(asked, name)
        changed[name] = min(held, value) if name in LOWER_IS_STRICTER else max(held, value)
    return asked.model_copy(update=changed)


def own_gate(source: str, name: str) -> dict[str, Any]:
    """Return what a class asks of itself by ``gate = (("paper_hours", 48),)`` or a mapping; read, and never run.

    Raises
    ------
    Misuse
        When it is written otherwise.
    """
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.ClassDef) and node.name == name):
            continue
        for line in node.body:
            if isinstance(line, ast.Assign) and any(isinstance(one, ast.Name) and one.id == "gate" for one in line.targets):
                try:
                    return dict(ast.literal_eval(line.value))
                except (ValueError, TypeError):
                    raise Misuse(f"{name}.gate cannot be read", remedy='write gate = (("paper_hours", 48),)') from None
    return {}
