"""Account-wide policies as a person writes them, in TOML, with the venue's margin terms that some of them are judged by.

[[policy]]
id = "margin"
metric = "margin_usage"        # maintenance margin by equity
threshold = 0.80
weight = "hard"                # soft: an alarm; hard: reduce only; emergency: what --on-latch says

[[policy]]
id = "liquidation"
metric = "liquidation_distance"
require = "gte"
threshold = 0.05

[margin."BTC/USDT:USDT"]
leverage = 20
tiers = [[0, 0.004], [50_000, 0.005], [250_000, 0.01]]   # notional from which on, and its maintenance ratio
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.account.ledger.statement import Terms
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.margin import TIERS, TIERS_MAX
from b25.risk.account_wide.policies import DEFAULTS, Policy, Weight

BY_MARGIN: Final = ("margin_usage", "liquidation_distance")
REMEDY: Final = "see the head of b25/session/account/policy_file.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPolicies:
    """What an account must hold to, and the terms by which its margin is reckoned.

    Attributes
    ----------
    policies : tuple of Policy
    terms : mapping of str to Terms
        By symbol.
    """

    policies: tuple[Policy, ...] = tuple(one for one in DEFAULTS if one.metric not in BY_MARGIN)
    terms: Mapping[str, Terms] = field(default_factory=dict)

    def check(self, instruments: Iterable[Instrument]) -> None:
        """Raise Misuse when margin is to be judged of a contract without terms: it would be unknown, and hold everything back."""
        asked = [one.id for one in self.policies if one.metric in BY_MARGIN and one.enabled]
        lacking = [one.symbol for one in instruments if one.symbol not in self.terms and ":" in one.symbol]
        if asked and lacking:
            raise Misuse(f"the policy {asked[0]} without margin terms of {lacking[0]}", remedy=f'write [margin."{lacking[0]}"]')


def read_policies(path: Path | None) -> AccountPolicies:
    """Return the policies of a file; the defaults that need no margin terms without one.

    Raises
    ------
    Misuse
        When the file cannot be read, or says what is not known.
    """
    if path is None:
        return AccountPolicies()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise Misuse(f"{path} cannot be read: {fault}", remedy=REMEDY) from None
    if strange := sorted(set(document) - {"policy", "margin", "version"}):
        raise Misuse(f"{path}: [{strange[0]}] is not known", remedy=REMEDY)
    try:
        policies = tuple(_policy(row) for row in document.get("policy", ()))
        terms = {symbol: _terms(symbol, row) for symbol, row in document.get("margin", {}).items()}
    except (TypeError, ValueError, KeyError, AttributeError) as fault:
        raise Misuse(f"{path}: {fault}", remedy=REMEDY) from None
    if len({one.id for one in policies}) != len(policies):
        raise Misuse(f"{path}: two policies have one id", remedy="give each its own")
    return AccountPolicies(policies=policies or AccountPolicies().policies, terms=terms)


def _policy(row: Mapping[str, Any]) -> Policy:
    told = dict(row)
    return Policy(**{**told, "weight": Weight(told.get("weight", "hard")), "threshold": float(told["threshold"])})


def _terms(symbol: str, row: Mapping[str, Any]) -> Terms:
    steps = sorted((float(begin), float(ratio)) for begin, ratio in row["tiers"])
    leverage = float(row["leverage"])
    if not steps or len(steps) > TIERS_MAX or steps[0][0] != 0.0 or not leverage > 0:
        raise ValueError(f"{symbol}: give 1 to {TIERS_MAX} tiers, the first from 0, and a leverage above 0")
    if any(not 0.0 < ratio < 1.0 for _, ratio in steps) or steps != sorted(steps, key=lambda one: one[1]):
        raise ValueError(f"{symbol}: maintenance ratios lie between 0 and 1 and never fall")
    tiers = np.zeros(1, TIERS)
    tiers["count"], tiers["notional_max"] = len(steps), np.inf
    cum = last = 0.0
    for k, (begin, ratio) in enumerate(steps):
        cum += begin * (ratio - last)  # so that the demand does not jump where a tier begins
        last = ratio
        tiers["notional_from"][0, k], tiers["mmr"][0, k], tiers["cum"][0, k] = begin, ratio, cum
    return Terms(tiers, leverage)
