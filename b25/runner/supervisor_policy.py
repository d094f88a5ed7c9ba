"""What to do with a process: decided from what was seen of it, without a clock, a signal or a file."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from b25.runner.heartbeat import EXIT_DONE, EXIT_HALT, EXIT_MISUSE, EXIT_RESYNC, Beat, Life
from b25.runner.supervisor_plan import ProcessPlan

DELAY_S_MIN, DELAY_S_MAX, JITTER = 1.0, 60.0, 0.1
HEALTHY_S = 60.0  # after which the delay begins anew


class After(StrEnum):
    """What follows the end of a process."""

    RESTART = "restart"
    STAY_DOWN = "stay down"
    FINISHED = "finished"


@dataclass(slots=True)
class Watch:
    """What is remembered of a process to tell whether it hangs: its progress, and since when there was none."""

    done: int = -1
    since_ns: int = 0

    def fault(self, plan: ProcessPlan, beat: Beat | None, *, started_ns: int, now_ns: int) -> str:
        """Why a running process must be ended now; empty when it is well."""
        if not plan.beats:
            return ""
        if beat is None or beat.life is Life.STARTING:
            waited_s = (now_ns - started_ns) / 1e9
            return f"not running after {waited_s:.0f} s" if waited_s > plan.start_s else ""
        if beat.life in (Life.STOPPED, Life.FAILED):
            return ""
        silent_s = (now_ns - beat.beaten_ns) / 1e9
        if beat.life is Life.COMPILING:
            return f"compiling for {silent_s:.0f} s" if silent_s > plan.start_s else ""
        if silent_s > plan.hang_s:
            return f"silent for {silent_s:.1f} s"
        if beat.done != self.done or beat.waiting == 0:
            self.done, self.since_ns = beat.done, now_ns
            return ""
        stuck_s = (now_ns - self.since_ns) / 1e9
        return f"{beat.waiting} things wait and nothing was done for {stuck_s:.1f} s" if stuck_s > plan.hang_s else ""


@dataclass(slots=True)
class Budget:
    """When a process may start again.

    Parameters
    ----------
    plan : ProcessPlan
    dice : random.Random
        For the jitter of delays; seeded by whoever makes it.
    """

    plan: ProcessPlan
    dice: random.Random
    crashes_s: deque[float] = field(default_factory=deque)
    in_a_row: int = 0

    def ended(self, code: int, *, now_s: float, ran_s: float, was_killed: bool) -> tuple[After, float]:
        """What follows an end, and after how many seconds.

        A Misuse or a Halt needs a person. Done is done. A Resync starts at once, from a snapshot; so it counts, lest it go
        round and round. A Retry and a crash wait, twice as long each time.
        """
        if code == EXIT_DONE and not was_killed:
            return After.FINISHED, 0.0
        if code in (EXIT_MISUSE, EXIT_HALT) and not was_killed:
            return After.STAY_DOWN, 0.0
        while self.crashes_s and self.crashes_s[0] <= now_s - self.plan.within_s:
            self.crashes_s.popleft()
        self.crashes_s.append(now_s)
        if len(self.crashes_s) >= self.plan.crashes_max:
            return After.STAY_DOWN, 0.0
        self.in_a_row = 1 if ran_s >= HEALTHY_S else self.in_a_row + 1
        if code == EXIT_RESYNC and not was_killed:
            return After.RESTART, 0.0
        delay_s = min(DELAY_S_MIN * 2 ** (self.in_a_row - 1), DELAY_S_MAX)
        return After.RESTART, delay_s * (1.0 + JITTER * self.dice.random())

    def forgive(self) -> None:
        """Let a person's start begin with a full budget."""
        self.crashes_s.clear()
        self.in_a_row = 0
