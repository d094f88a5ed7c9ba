"""Promotes a class: lint, cut, import alone, re-run, prove, look for bias, freeze. The first that fails ends it."""

from __future__ import annotations

import hashlib
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from b25.market.timeframe import declared_in
from b25.model.errors import B25Error
from b25.promote.cut import Cut, cut, saved_of
from b25.promote.findings import Level
from b25.promote.isolate import isolate
from b25.promote.kinds import BarLives, BarSetting, Lives, TickLives
from b25.promote.lives import Setting
from b25.promote.manifest import Evidence, evidence_files, facts_of
from b25.promote.proof import Proof, Prover
from b25.promote.report_page import report_page
from b25.promote.rerun import Beside
from b25.promote.steps import STEPS, Course, PromotionReport, Say
from b25.promote.version import LIVE, SOURCE, Version, freeze, snake
from b25.promote.wish import Refused, Wish
from b25.research.backtest import backtest
from b25.research.bar_backtest import with_declared
from b25.research.bias import check
from b25.research.dataset import SAMPLE_SEED, sample
from b25.research.optional import needed
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
        told = isolate(made.text, made.name)
        course.say("isolate", f"imported alone; {', '.join(told['callbacks']) or 'no callbacks'}")
    return made, told


def promotion(
    wish: Wish, say: Say | None = None, *, dry_run: bool = False, root: Path = LIVE, secrets_folder: Path, now_ns: int
) -> PromotionReport:
    """Go through all steps, and say how they went.

    Raises
    ------
    Refused
        With what the first failing step found, and `report`.
    Misuse
        When there is no such file, or no class is named.
    """
    _, name = saved_of(wish.where)
    course, made, version = Course(say), None, None
    try:
        made, _ = judge(wish, course)
        if not dry_run:
            version = _proven(made, wish, course, root, secrets_folder, now_ns)
    except B25Error as fault:
        refusal = fault if isinstance(fault, Refused) else Refused(fault.what, remedy=fault.remedy)
        refusal.report = PromotionReport(
            name=name, where=wish.where, steps=course.steps(), refusal=str(refusal), warnings=_warnings(made),
            source=made.text if made else "",
        )  # fmt: skip
        raise refusal from None
    if version is not None:
        for later in ("gate", "run", "watch"):
            course.mark(later, "next", STEPS[later])
    return PromotionReport(
        name=name, where=wish.where, steps=course.steps(), version=version, warnings=_warnings(made), source=made.text
    )  # fmt: skip


def promote(wish: Wish, say: Say, *, root: Path = LIVE, secrets_folder: Path, now_ns: int) -> Version:
    """Return the frozen version. Raises Refused as `promotion`."""
    report = promotion(wish, say, root=root, secrets_folder=secrets_folder, now_ns=now_ns)
    assert report.version is not None
    return report.version


def _warnings(made: Cut | None) -> tuple[str, ...]:
    return tuple(str(one) for one in made.findings if one.level is Level.WARNING) if made else ()


def _proven(made: Cut, wish: Wish, course: Course, root: Path, secrets_folder: Path, now_ns: int) -> Version:
    """Run again, prove and look for bias, all at once; freeze what came through."""
    with tempfile.TemporaryDirectory(prefix="b25-promote-") as folder:
        file = Path(folder) / SOURCE
        file.write_text(made.text, encoding="utf-8")
        with _again(made, file, course) as beside:
            begun, fault = time.monotonic(), None
            try:
                found = _evidence(made, wish, file, course)
            except B25Error as late:  # the re-run comes first, also in what is told
                fault = late
            again = None
            if isinstance(beside, Beside):
                with course.step("re-run", since=begun):
                    again = beside.result()
                    course.say("re-run", again.words)
            if fault is not None:
                raise fault
    with course.step("freeze"):
        version = _frozen(made, wish, replace(found, again=again), course, root, secrets_folder, now_ns)
        course.say("freeze", f"{version.reference} in {version.folder}, content {version.content_id[:12]}")
    return version


def _again(made: Cut, file: Path, course: Course) -> Any:
    """Begin the re-run beside what follows; a Python file has no cells to run."""
    if not made.saved.is_notebook:
        course.mark("re-run", "not applicable", "a Python file has no stored results")
        return nullcontext()
    for module, extra in (("nbclient", "reports"), ("ipykernel", "lab")):
        needed(module, extra=extra)
    course.say("re-run", "the whole notebook, in a fresh kernel without network and keys, while the proof goes on")
    return Beside(made.saved.path, made.name, file)


def _evidence(made: Cut, wish: Wish, file: Path, course: Course) -> Evidence:
    with course.step("prove"):
        cls = load_strategy(f"{file}:{made.name}", by_content=True)
        cls.record(wish.params)
        wish = at_hand(cls, wish)
        proof = Prover(_lives(cls, wish), file, wish.never_cancels, lambda text: course.say("prove", text)).prove()
        _believe(made.name, proof)
        course.say("prove", f"{proof.counts['effects']:,} effects the same in every life; {proof.coverage:.0%} of its lines ran")
    with course.step("bias"):
        course.say("bias", "looking for look-ahead and warm-up")
        how: dict[str, Any] = {} if isinstance(wish.data, tuple) else {"latency": ConstantLatency(wish.latency_ns)}
        given = {"fees": wish.fees, "limits": wish.limits, "balance": wish.balance, **how, **wish.params}
        data: list[Any] = list(wish.data) if isinstance(wish.data, tuple) else [wish.data]
        result = backtest(cls, data, **given)
        bias = check(cls, data, result=result, progress=lambda text: course.say("bias", text), **given)
        if not bias.ok:
            raise Refused(f"{made.name}: {bias.findings[0]}", remedy="see b25 backtest --check")
        course.say("bias", bias.verdict)
    return Evidence(wish=wish, proof=proof, bias=bias, result=result, behaviour=behaviour_key(cls))


def at_hand(cls: type[Strategy], wish: Wish) -> Wish:
    """Give a wish the sample market that the class listens to, where it names no data, and limits."""
    if wish.data is not None:
        return replace(wish, limits=wish.limits or Limits())
    seed = SAMPLE_SEED if wish.seed is None else wish.seed
    if "on_bar" in cls.callbacks():
        declared = declared_in(cls)
        bars = sample(bars=declared.names[0] if declared else SAMPLE_BARS, days=SAMPLE_DAYS, seed=seed)
        return replace(wish, data=(with_declared(cls, bars),), limits=wish.limits or Limits())
    return replace(
        wish, data=sample(minutes=SAMPLE_MINUTES, seed=seed), limits=wish.limits or Limits(position_max=SAMPLE_POSITION_MAX)
    )


def _frozen(made: Cut, wish: Wish, found: Evidence, course: Course, root: Path, secrets_folder: Path, now_ns: int) -> Version:
    files = {SOURCE: made.text.encode(), f"source{made.saved.path.suffix}": unchanged(made), **evidence_files(made, found)}
    facts = facts_of(made, found, now_ns)
    files["report.html"] = report_page(made, found, facts, course.steps()).encode()
    return freeze(root, snake(made.name), files, facts, secrets_folder)


def unchanged(made: Cut) -> bytes:
    """Return the bytes of the file that was cut. Raises Refused when they are others by now."""
    held = made.saved.path.read_bytes()
    if hashlib.sha256(held).hexdigest() != made.saved.sha256:
        raise Refused(f"{made.saved.path} changed while it was promoted", remedy="save it, and promote again")
    return held


def _lives(cls: type[Strategy], wish: Wish) -> Lives:
    """Return the lives on the data at hand."""
    assert wish.data is not None
    assert wish.limits is not None
    common: dict[str, Any] = {
        "cls": cls,
        "params": wish.params,
        "fees": wish.fees,
        "limits": wish.limits,
        "balance": wish.balance,
    }
    if isinstance(wish.data, tuple):
        return BarLives(BarSetting(**common, bars=wish.data, warmup=WARM_UP_BARS))
    span = wish.data.start_ns + WARM_UP_NS, wish.data.end_ns
    return TickLives(Setting(**common, tape=wish.data.tape, span=span, latency_ns=wish.latency_ns))


def _believe(name: str, proof: Proof) -> None:
    if proof.divergence is not None:
        one = proof.divergence
        raise Refused(
            f"{name}: {one.between} differ at effect {one.place}: {one.left or 'nothing'} and {one.right or 'nothing'}",
            remedy="something in it is not the same every time: state outside the record, or order of a set",
        )
    if proof.vacuous:
        raise Refused(f"{name}: the comparison would prove too little: {'; '.join(proof.vacuous)}", remedy="give more data")
    if failed := [what for what, how in proof.controls.items() if not how]:
        raise Refused(f"{name}: the comparison did not notice: {', '.join(failed)}", remedy="give data on which it matters")
