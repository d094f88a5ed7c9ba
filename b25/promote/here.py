"""The one call behind `b25 promote`, `%promote` and the button: promote a class of a saved file, and say how it went."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from b25.config.settings import read_settings
from b25.market.bars import Bars
from b25.promote.promote import promotion
from b25.promote.steps import PromotionReport, Say
from b25.promote.validating import validate
from b25.promote.version import LIVE
from b25.promote.wish import Wish
from b25.research.dataset import Dataset
from b25.risk.limits import Limits
from b25.venue.models import Fees


def promote_here(
    where: str,
    *,
    data: Dataset | Bars | Sequence[Bars] | None = None,
    by: str,
    dry_run: bool = False,
    say: Say | None = None,
    history: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    fees: Fees | None = None,
    limits: Limits | None = None,
    balance: float = 10_000.0,
    never_cancels: bool = False,
    seed: int | None = None,
    root: Path = LIVE,
    secrets_folder: Path | None = None,
    now_ns: int | None = None,
) -> PromotionReport:
    """Lint, cut out, import alone, run the notebook again, prove, look for bias, freeze, and have its author validate it.

    Parameters
    ----------
    where : str
        ``NOTEBOOK.ipynb:Class`` or ``FILE.py:Class``; the file as it was saved.
    data : Dataset, Bars or sequence of Bars, optional
        What to prove it on. Default: the sample market of the kind that the class listens to.
    by : str
        Who promotes it.
    dry_run : bool
        Stop after the import alone; nothing is run, proven or written.
    say : callable, optional
        Called with a step's name and a text while it goes on.
    history : sequence of str, optional
        What the kernel was given to run, oldest first (IPython's ``In``): a needed cell that was never run as it stands in the
        file is refused.
    params : mapping, optional
        Parameters that differ from their defaults.
    fees, limits, balance
        Of the proof. Default limits: one unit of base on the sample market, none elsewhere.
    never_cancels : bool
        Declares that it never cancels an order.
    seed : int, optional
        Which sample market.
    root, secrets_folder : Path, optional
        Folder of the versions, and of the key that signs.
    now_ns : int, optional
        Time of the promotion.

    Returns
    -------
    PromotionReport
        Steps, seconds, version and where its report lies.

    Raises
    ------
    Refused
        When a step found something; nothing was written, and `report` says how far it came.
    Misuse
        When there is no such file, or no class is named.
    """
    settings = read_settings()
    given = (data,) if isinstance(data, Bars) else data
    wish = Wish(
        where=where, data=given if given is None or isinstance(given, Dataset) else tuple(given), by=by,
        params=dict(params or {}),
        fees=fees or Fees(), limits=limits, balance=balance, never_cancels=never_cancels, seed=seed, history=history,
    )  # fmt: skip
    report = promotion(
        wish,
        say,
        dry_run=dry_run,
        root=root,
        secrets_folder=secrets_folder or settings.secrets_folder,
        now_ns=now_ns if now_ns is not None else time.time_ns(),
    )
    if report.version is not None and root == LIVE:
        told = validate(report.version, by, settings, lambda text: say("gate", text) if say is not None else None)
        report = replace(report, steps=tuple(replace(one, text=told) if one.name == "gate" else one for one in report.steps))
    return report
