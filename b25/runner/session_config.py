"""What is configured for a session, judged and taken over between two of its events; or refused, and all stays as it was.

A session `mm` of account `main`, live, goes by the keys that `main/mm/live/NAME` inherits from: NAME is `limits` (risk_limit),
`strategy`, and the token of each of its symbols (trading_pair). Its limits are the tightest of what it was started with and of
what is configured. What can only hold from a start on (`policies`, `session`, `exchange`) it answers with `requires_restart`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.bus.subjects import symbol_token
from b25.config.check import model_of, resolved
from b25.config.documents import canonical
from b25.config.keys import ANY, PART, Key
from b25.config.schemas.risk import tightest
from b25.config.schemas.types import AT_START
from b25.model.errors import B25Error, Halt, Misuse, Retry
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.risk.limit_set import LimitSet
from b25.runner.size_factor import scaled_records
from b25.session.commands import Command, checksum_bits, configured_event, set_event
from b25.session.limit_swap import RISK_LIMIT, STRATEGY, limit_events
from b25.session.limits_file import prove
from b25.store.config_desk import APPLIED, REJECTED, RESTART

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop
    from b25.runner.live_session import LivePlan

RISK, PAIR = "risk_limit", "trading_pair"
NAMES: Final = {"account_policy": "policies", "session": "session", "exchange": "exchange"}


@dataclass(frozen=True, slots=True)
class Link:
    """One version that holds, of those that a key inherits from."""

    key: str
    version: int
    checksum: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is configured of a kind under a name, the most general first; nothing without links."""

    kind: str
    name: str
    links: tuple[Link, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """What it is of."""
        return self.kind, self.name

    @property
    def value(self) -> dict[str, Any]:
        """What holds with all that is inherited."""
        return resolved(self.kind, [one.value for one in self.links])

    @property
    def version(self) -> int:
        """Of the most special link; 0 for nothing."""
        return self.links[-1].version if self.links else 0

    def marks(self) -> dict[str, tuple[int, str]]:
        """Version and checksum by key."""
        return {one.key: (one.version, one.checksum) for one in self.links}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a session says to one key: `version` 0 is that nothing of it holds any more."""

    key: str
    kind: str
    version: int
    checksum: str
    outcome: str
    detail: str


@dataclass(slots=True)
class SessionConfig:
    """Judges and takes over; `apply` in the session's own thread only.

    Attributes
    ----------
    held : dict
        What is in force, by kind and name.
    told : list of callable
        Told of every answer.
    wake : callable
        Has whoever feeds it look at once.
    """

    plan: LivePlan
    account: str = ""
    held: dict[tuple[str, str], Offer] = field(default_factory=dict)
    refused: dict[tuple[str, str], dict[str, tuple[int, str]]] = field(default_factory=dict)
    told: list[Callable[[Answer], None]] = field(default_factory=list)
    wake: Callable[[], None] = lambda: None
    loop: LiveLoop | None = None

    @property
    def first_limits(self) -> LimitSet:
        """Limits that it was started with; none is ever widened by what is configured."""
        return self.plan.limit_set or LimitSet(account=self.plan.limits)

    def goes_by(self) -> list[tuple[str, Key]]:
        """What it goes by: kinds and keys."""
        account, mode, name = self.account or ANY, self.plan.mode, self.plan.name
        parts = [part if PART.fullmatch(part) else ANY for part in (account, name, mode)]
        names = [(RISK, "limits"), ("strategy", "strategy"), *((kind, NAMES[kind]) for kind in AT_START)]
        names += [(PAIR, symbol_token(one.symbol)) for one in self.plan.instruments]
        return [(kind, Key(parts[0], parts[1], parts[2], word)) for kind, word in names]

    # Judging: changes nothing.

    def planned(self, offers: Iterable[Offer]) -> LivePlan:
        """Return the plan with what is configured at its start.

        Raises
        ------
        Misuse
            When that cannot be taken over: a session does not start under other limits than those that hold for it.
        """
        found = {one.place: one for one in offers}
        limits, plan = self.limits(found), self.plan
        params, is_on = dict(plan.params), True
        if (offer := found.get(("strategy", "strategy"))) is not None and offer.links:
            params, is_on = self.parameters(offer)
        if not is_on:
            raise Misuse(f"the strategy of {plan.name} is configured not to run", remedy="enable it: b25 config list strategy")
        scaled_records(limits, plan)
        return replace(plan, limit_set=limits, params=params)

    def limits(self, offers: Mapping[tuple[str, str], Offer]) -> LimitSet:
        """Return the tightest of what it was started with and of what is configured. Raises Misuse for what makes no sense."""
        sets, version = [self.first_limits], 0
        for (kind, _), offer in sorted(offers.items()):
            if kind in (RISK, PAIR) and offer.links:
                made: Any = model_of(kind, offer.value)
                sets.append(made.limit_set())
                version = offer.version if kind == RISK else version
        return replace(tightest(sets), version=version or self.first_limits.version)

    def parameters(self, offer: Offer) -> tuple[dict[str, Any], bool]:
        """Return the parameters, those it was started with among them, and whether it may run. Raises Misuse."""
        made: Any = model_of("strategy", offer.value)
        cls = self.plan.cls
        wanted = made.type.rpartition(":")[2]
        if wanted != cls.__name__:
            raise Restart(f"it runs {cls.__name__}; {wanted} is another strategy")
        params = {**self.plan.params, **made.parameters}
        cls.record(params)
        return params, made.enabled

    def rows(self, offers: Mapping[tuple[str, str], Offer], prices: list[float]) -> np.ndarray[Any, Any]:
        """Return the limits as records, with the gate tried under them. Raises Misuse or Halt when it fails."""
        rows = scaled_records(self.limits(offers), self.plan)
        prove(rows, self.plan.instruments, prices, self.plan.balance)
        return rows

    def prices(self) -> list[float]:
        """Mids, to try the gate at. Raises Retry while there are none: then nothing new passes the gate anyway."""
        assert self.loop is not None
        found = []
        for one, book in zip(self.plan.instruments, self.loop.session.machine.world.books, strict=True):
            bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
            if bid == NO_BID_TICKS or ask == NO_ASK_TICKS:
                raise Retry(f"{one.symbol} has no market to try the limits at", remedy="wait for its book")
            found.append(float(one.price(bid) + one.price(ask)) / 2)
        return found

    def news(self, offers: Iterable[Offer]) -> list[Offer]:
        """Return those that differ from what is in force."""
        found = [one for one in offers if one.marks() != self.held.get(one.place, Offer(*one.place)).marks()]
        return [one for one in found if self.refused.get(one.place) != one.marks()]

    def tried(self, link: Link, kind: str) -> Answer | None:
        """Say what would become of one more link, changing nothing; None when the session does not go by its key.

        Raises
        ------
        Retry
            When there is no market to try limits at.
        """
        offer = self.with_link(link, kind)
        if offer is None:
            return None
        outcome, detail = APPLIED, ""
        if kind in AT_START:
            outcome, detail = RESTART, "it holds from the next start on"
        elif kind == "strategy":
            try:
                self.parameters(offer)
            except Restart as fault:
                outcome, detail = RESTART, fault.what
            except B25Error as fault:
                outcome, detail = REJECTED, fault.what
        else:
            _, detail = self.judge([offer], self.prices())
            outcome = REJECTED if detail else APPLIED
        return Answer(link.key, kind, link.version, link.checksum, outcome, detail)

    def with_link(self, link: Link, kind: str) -> Offer | None:
        """Return what is in force with one link put in its place; None when the session does not go by its key."""
        for known, key in self.goes_by():
            chain = [str(one) for one in key.chain()]
            if known == kind and link.key in chain:
                held = {one.key: one for one in self.held.get((kind, key.name), Offer(kind, key.name)).links} | {link.key: link}
                return Offer(kind, key.name, tuple(held[one] for one in chain if one in held))
        return None

    # Taking over.

    def attach(self, loop: LiveLoop, offers: Iterable[Offer]) -> list[Answer]:
        """Begin: the session was planned with these, or resumes with what it had and takes them over now."""
        self.loop = loop
        loop.configuration = self
        found = [one for one in offers if one.links]
        rows = scaled_records(self.limits({one.place: one for one in found}), self.plan)
        return self._take(found, rows, at_start=True)

    def judge(self, news: list[Offer], prices: list[float]) -> tuple[np.ndarray[Any, Any] | None, str]:
        """Return the limits that news would have hold, or why they may not; the slow part, for any thread."""
        if not any(one.kind in (RISK, PAIR) for one in news):
            return None, ""
        try:
            return self.rows(self.held | {one.place: one for one in news}, prices), ""
        except (Misuse, Halt) as fault:
            return None, fault.what

    def apply(self, news: list[Offer], rows: np.ndarray[Any, Any] | None, why: str) -> list[Answer]:
        """Take over what was judged, between two events; what cannot be is refused, and what was before goes on."""
        assert self.loop is not None
        if self.loop.session.fault is not None or self.loop.until.is_set():
            return []
        return self._take(news, rows, why=why)

    def _take(
        self, news: list[Offer], rows: np.ndarray[Any, Any] | None, *, why: str = "", at_start: bool = False
    ) -> list[Answer]:
        answers: list[Answer] = []
        of_limits = [one for one in news if one.kind in (RISK, PAIR)]
        if of_limits or at_start:
            done = (APPLIED, "") if not why and rows is not None and self._swap(of_limits, rows, at_start) else (REJECTED, why)
            for one in of_limits:
                answers += self._settle(one, *done)
        for one in news:
            if one.kind == "strategy":
                answers += self._settle(one, *self._set(one, at_start=at_start))
            elif one.kind in AT_START:
                says = (APPLIED, "it was started after it") if at_start else (RESTART, "it holds from the next start on")
                answers += self._settle(one, *says)
        for answer in answers:
            if answer.outcome == REJECTED and self.loop is not None:
                self.loop.say(f"configuration {answer.key} version {answer.version} is refused: {answer.detail}")
            for tell in self.told:
                tell(answer)
        return answers

    def _swap(self, news: list[Offer], rows: np.ndarray[Any, Any], at_start: bool) -> bool:
        assert self.loop is not None
        machine = self.loop.session.machine
        now_ns = max(self.loop.clock_ns(), machine.now_ns)
        events = limit_events(machine.limits, rows, now_ns)
        risk = {**self.held, **{one.place: one for one in news}}.get((RISK, "limits"))
        stamp = (risk.version if risk else 0, _checksum(risk))
        nothing = (0, checksum_bits(_checksum(None)))
        if not events and machine.configured.get(RISK_LIMIT, nothing) == (stamp[0], checksum_bits(stamp[1])):
            return True
        events.append(configured_event(now_ns, kind=RISK_LIMIT, version=stamp[0], checksum=stamp[1]))
        self.loop.enter(np.concatenate(events))
        return self.loop.session.fault is None

    def _set(self, offer: Offer, *, at_start: bool) -> tuple[str, str]:
        assert self.loop is not None
        machine = self.loop.session.machine
        try:
            params, is_on = self.parameters(offer) if offer.links else (dict(self.plan.params), True)
            now_ns, cls = max(self.loop.clock_ns(), machine.now_ns), self.plan.cls
            wanted = cls.record(params)
            events = [
                set_event(cls, name, wanted[name][0].item(), now_ns)
                for name in cls.params
                if wanted[name] != machine.record[name]
            ]
        except Restart as fault:
            return RESTART, fault.what
        except B25Error as fault:
            return REJECTED, fault.what
        checksum = _checksum(offer)
        if events or machine.configured.get(STRATEGY) != (offer.version, checksum_bits(checksum)):
            events.append(configured_event(now_ns, kind=STRATEGY, version=offer.version, checksum=checksum))
            self.loop.enter(np.concatenate(events))
        if not is_on and not at_start:
            self.loop.say(f"{cls.__name__} is configured not to run: the session pauses until a person resumes it")
            self.loop.command(Command.PAUSE)
            return APPLIED, "paused"
        return APPLIED, ""

    def _settle(self, offer: Offer, outcome: str, detail: str) -> list[Answer]:
        before = self.held.get(offer.place, Offer(*offer.place)).marks()
        now = offer.marks()
        if outcome == REJECTED:
            self.refused[offer.place] = now
        else:
            self.refused.pop(offer.place, None)
            self.held[offer.place] = offer
        changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return [Answer(key, offer.kind, *now.get(key, (0, "")), outcome, detail) for key in changed]


class Restart(Misuse):
    """It can hold from the next start on only."""

    def __init__(self, what: str) -> None:
        super().__init__(what, remedy="start the session anew")


def _checksum(offer: Offer | None) -> str:
    return canonical(offer.value)[1] if offer is not None and offer.links else hashlib.sha256(b"{}").hexdigest()
