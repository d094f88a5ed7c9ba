"""Budgets of a venue in sliding windows, with a lane kept free for cancels. It never waits and reads no clock."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

NORMAL_SHARE = 0.9  # of each weight budget; the rest is for cancels and the kill switch
CANCELS_PER_RETRY_AFTER = 5
RETRY_AFTER_DEFAULT_S = 30.0
SECOND_NS = 1_000_000_000


class Lane(IntEnum):
    """Which share of the budget a request may use."""

    NORMAL = 0
    CANCEL = 1


lane: ContextVar[Lane] = ContextVar("b25_ccxt_lane", default=Lane.NORMAL)


class OverBudget(Exception):
    """A request was not sent, for want of budget.

    Parameters
    ----------
    wait_ns : int
        After which it may fit.
    halted : bool
        The venue has banned this address.
    """

    def __init__(self, wait_ns: int, *, halted: bool) -> None:
        self.wait_ns, self.halted = wait_ns, halted
        super().__init__("the venue has banned this address" if halted else f"no budget for {wait_ns / 1e9:.1f} s")


@dataclass(slots=True)
class Window:
    """One budget: so much within so long.

    Attributes
    ----------
    limit : float
    span_ns : int
    kept_free : float
        Share of it for the cancel lane.
    """

    limit: float
    span_ns: int
    kept_free: float = 1.0 - NORMAL_SHARE
    _spent: deque[tuple[int, float]] = field(default_factory=deque, repr=False)
    _sum: float = 0.0
    _told: float = 0.0  # what the venue says is used, in excess of what we know of
    _told_until_ns: int = 0

    def used(self, now_ns: int) -> float:
        """What is spent within the window that ends now."""
        while self._spent and self._spent[0][0] <= now_ns - self.span_ns:
            self._sum -= self._spent.popleft()[1]
        if not self._spent:
            self._sum = 0.0
        return self._sum + (self._told if now_ns < self._told_until_ns else 0.0)

    def wait_ns(self, now_ns: int, amount: float, lane: Lane) -> int:
        """How long until `amount` fits; 0 when it does now."""
        share = 1.0 if lane is Lane.CANCEL else 1.0 - self.kept_free
        allowed = max(self.limit * share, min(amount, self.limit))  # what is dearer than the share passes an empty window
        over = self.used(now_ns) + amount - allowed
        if amount == 0 or over <= 1e-9:
            return 0
        if now_ns < self._told_until_ns and over <= self._told:
            return self._told_until_ns - now_ns
        freed = self._told
        for at_ns, spent in self._spent:
            freed += spent
            if freed >= over - 1e-9:
                return max(at_ns + self.span_ns, self._told_until_ns if self._told else 0) - now_ns
        return self.span_ns

    def spend(self, now_ns: int, amount: float) -> None:
        """Count what is about to be sent."""
        if amount:
            self._spent.append((now_ns, amount))
            self._sum += amount

    def told(self, now_ns: int, used: float) -> None:
        """Believe the venue when it counts more than we do: another process may share the address."""
        self._told_until_ns = 0
        excess = used - self.used(now_ns)
        self._told, self._told_until_ns = max(excess, 0.0), now_ns + self.span_ns if excess > 0 else 0


@dataclass(slots=True)
class Family:
    """The budgets that one part of a venue's API shares: weight of every request, and number of orders."""

    weight: Window
    orders: list[Window] = field(default_factory=list)


@dataclass(slots=True)
class Limiter:
    """Decides whether a request may go out now.

    Attributes
    ----------
    families : dict of str to Family
        By name; a family that is not named here is not limited.
    halted : bool
        Set by an HTTP 418. Only `resume`, by a person, ends it.
    """

    families: dict[str, Family]
    halted: bool = False
    _blocked_until_ns: int = 0
    _cancels_left: int = CANCELS_PER_RETRY_AFTER

    def take(self, now_ns: int, family: str, weight: float, *, is_order: bool, lane: Lane) -> int:
        """Count a request and return 0, or count nothing and return how many ns it should wait."""
        blocked_ns = self._blocked_until_ns - now_ns
        if self.halted and lane is not Lane.CANCEL:
            return max(blocked_ns, SECOND_NS)
        if blocked_ns > 0:
            if lane is not Lane.CANCEL or self._cancels_left == 0 or self.halted:
                return blocked_ns
            self._cancels_left -= 1
        budget = self.families.get(family)
        if budget is None:
            return 0
        orders = budget.orders if is_order else []
        if blocked_ns <= 0:
            wait_ns = max([budget.weight.wait_ns(now_ns, weight, lane), *(w.wait_ns(now_ns, 1, lane) for w in orders)])
            if wait_ns > 0:
                return wait_ns
        budget.weight.spend(now_ns, weight)
        for window in orders:
            window.spend(now_ns, 1)
        return 0

    def answered(self, now_ns: int, status: int, retry_after_s: float) -> None:
        """Stop after an HTTP 429 or 418: all but cancels, of which five may go until Retry-After is over."""
        if status not in (418, 429):
            return
        until_ns = now_ns + int((retry_after_s or RETRY_AFTER_DEFAULT_S) * SECOND_NS)
        if self._blocked_until_ns <= now_ns:
            self._cancels_left = CANCELS_PER_RETRY_AFTER
        self._blocked_until_ns = max(self._blocked_until_ns, until_ns)
        self.halted = self.halted or status == 418

    def resume(self) -> None:
        """Let a person end the halt; the time that the venue asked for still holds."""
        self.halted = False
