"""What is to be promoted, on what it is to be proven, and the error that says that a step found something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from b25.market.bars import Bars
from b25.model.errors import Misuse
from b25.research.dataset import Dataset
from b25.risk.limits import Limits
from b25.venue.models import Fees

if TYPE_CHECKING:
    from b25.promote.steps import PromotionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be promoted, and on what it is to be proven.

    Attributes
    ----------
    where : str
        ``NOTEBOOK.ipynb:Class`` or ``FILE.py:Class``.
    data : Dataset, tuple of Bars, or None
        Of one instrument recorded, or bars of one or several; None for the sample market that the class listens to.
    params : dict
        Parameters that it is to have.
    by : str
        Who promotes it.
    limits : Limits, optional
        Default: one unit of base on a recorded sample, none elsewhere.
    never_cancels : bool
        Whether the author declares that it never cancels.
    seed : int, optional
        Which sample market.
    history : sequence of str, optional
        What the kernel was given to run, oldest first.
    """

    where: str
    data: Dataset | tuple[Bars, ...] | None = None
    by: str
    params: dict[str, Any] = field(default_factory=dict)
    fees: Fees = field(default_factory=Fees)
    limits: Limits | None = None
    balance: float = 10_000.0
    latency_ns: int = 3_000_000
    never_cancels: bool = False
    seed: int | None = None
    history: Sequence[str] | None = None


class Refused(Misuse):
    """A step found something; nothing was promoted.

    Attributes
    ----------
    report : PromotionReport or None
        How far it came.
    """

    exit_code = 1
    report: PromotionReport | None = None
