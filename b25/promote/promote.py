"""Promotes a class: lint, cut, import alone, re-run, prove, look for bias, freeze. The first step that fails ends it; nothing is left."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from b25.market.timeframe import declared_in
from b25.promote.cut import Cut, cut
from b25.promote.evidence import facts_of
from b25.promote.isolate import isolate
from b25.promote.kinds import BarLives, BarSetting, Lives, TickLives
from b25.promote.lives import Setting
from b25.promote.proof import Proof, Prover
from b25.promote.steps import Course, PromotionReport, Say
from b25.promote.version import LIVE, SOURCE, Version, canonical, freeze, snake
from b25.promote.wish import Refused, Wish
from b25.research.bias import check
from b25.research.dataset import Dataset
from b25.research.strategy_file import load_strategy
from b25.risk.limits import Limits
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy
from b25.venue.models import ConstantLatency

WARM_UP_NS: Final = 60_000_000_000
WARM_UP_BARS: Final = 100
SAMPLE_MINUTES: Final = 5
SAMPLE_DAYS: Final = 120
SAMPLE_BARS: Final = "1h"
SAMPLE_POSITION_MAX: Final = 1.0


def judge(wish: Wish, course: Course) -> tuple[Cut, dict[str, Any]]:
    """Lint, cut and import alone: what `--dry-run` does. Raises Refused with the first finding."""
    with course.step("lint"):
        made = cut(wish.where, history=wish.history)
        for one in made.findings:
            course.say("lint", str(one))
        if made.errors:
            more = f"; {len(made.errors) - 1} more" if len(made.errors) > 1 else ""
            raise Refused(f"{made.name}: {made.errors[0]}{more}", remedy="b25 promote --explain CODE tells why")
        count = len(made.findings)
        course.say("lint", f"{count} warning{'' if count == 1 else 's'}" if count else "nothing found")
    with course.step("cut"):
        course.say("cut", f"{len(made.text.splitlines())} lines out of {', '.join(made.cells)}")
    with course.step("isolate"):
        try:
            told = isolate(made.text, made.name)
        except Refused:
            raise
        course.say("isolate", f"imported alone; {', '.join(told['callbacks']) or 'no callbacks'}")
    return made, told
