"""Whether a value may be configured: its schema, then its meaning. A fault names field, value, rule, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from b25.config.keys import merged
from b25.config.schemas.base import Schema
from b25.config.schemas.risk import AccountPolicy, RiskLimit, document_of, tightest
from b25.config.schemas.trading import StrategyConfig
from b25.config.schemas.types import schema_of
from b25.config.secret import HIDDEN, secrets_in, shown
from b25.model.errors import B25Error, Misuse
from b25.strategy.strategy import Strategy

SYNTAX, MEANING, STATE, APPROVAL = 1, 2, 3, 4  # the levels
FAULTS_MAX: Final = 20
LEVERAGE_MAX, LARGE = 10.0, 100_000.0  # how much leverage a large position may have
LOSS_SHARE = 0.5  # of the position that a day may cost
Load = Callable[[str], type[Strategy]]
_BOUNDS: Final = {
    "greater_than": "give a number above {gt}", "greater_than_equal": "give a number of at least {ge}",
    "less_than": "give a number below {lt}", "less_than_equal": "give a number of at most {le}",
    "literal_error": "use one of {expected}", "missing": "add it", "string_too_long": "use at most {max_length} characters",
    "too_short": "give at least {min_length}", "too_long": "give at most {max_length}", "finite_number": "give a finite number",
    "string_pattern_mismatch": "write it by the pattern {pattern}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what would be right; a value that is a secret is hidden."""

    field: str
    value: Any
    rule: str
    remedy: str
    level: int = SYNTAX

    def __str__(self) -> str:
        told = "" if self.value is None else f" = {self.value!r}"
        return f"{self.field}{told}: {self.rule}"

    def facts(self) -> dict[str, Any]:
        """The fault as plain data."""
        return {"field": self.field, "value": self.value, "rule": self.rule, "remedy": self.remedy, "level": self.level}


class Invalid(Misuse):
    """A value that may not be configured."""

    def __init__(self, where: str, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{where}: {faults[0]}{more}", remedy=faults[0].remedy)


def check(kind: str, own: dict[str, Any], parents: Sequence[dict[str, Any]] = (), load: Load | None = None) -> list[Fault]:
    """Return what is wrong with a value of a type; nothing when it may be configured.

    Parameters
    ----------
    own : dict
        Plain data, as `b25.config.documents` gives it.
    parents : sequence of dict
        What it inherits, the most general first.
    load : callable, optional
        Gives the class of a strategy; without it a strategy's parameters cannot be held to its schema, and are refused.
    """
    if found := [Fault(path, HIDDEN, "holds a secret", _REFER) for path in secrets_in(own)]:
        return found[:FAULTS_MAX]
    if kind == "risk_limit" and (faults := faults_of(kind, own)):  # each link of the chain stands for itself
        return faults
    value = resolved(kind, [*parents, own])
    return faults_of(kind, value) or _meaning(kind, value, load)


def resolved(kind: str, values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what holds of several values that inherit from each other: of limits the tightest, of all else the last.

    Raises
    ------
    Misuse
        When limits among them make no sense.
    """
    if kind == "risk_limit":
        made: list[Any] = [model_of(kind, one) for one in values]
        return document_of(tightest([one.limit_set() for one in made]))
    return merged(list(values))


def model_of(kind: str, value: dict[str, Any]) -> Schema:
    """Return a value in the form of its schema. Raises Invalid for what is wrong with it."""
    if faults := faults_of(kind, value):
        raise Invalid(kind, faults)
    return schema_of(kind).model_validate(value)


def faults_of(kind: str, value: dict[str, Any]) -> list[Fault]:
    """First level: unknown keys, missing ones, types and bounds; of limits, what makes no sense in itself."""
    model = schema_of(kind)
    try:
        made = model.model_validate(value)
    except ValidationError as fault:
        return [_fault(model, one) for one in fault.errors(include_url=False)[:FAULTS_MAX]]
    if isinstance(made, RiskLimit):
        try:
            made.limit_set()
        except Misuse as wrong:
            return [Fault("limits", None, wrong.what, wrong.remedy)]
    return []


def _meaning(kind: str, value: dict[str, Any], load: Load | None) -> list[Fault]:
    """Second level: what values say together."""
    made = schema_of(kind).model_validate(value)
    if isinstance(made, RiskLimit):
        return _limits(made)
    if isinstance(made, AccountPolicy):
        return _policies(made)
    if isinstance(made, StrategyConfig):
        return _strategy(made, load)
    return []


def _limits(made: RiskLimit) -> list[Fault]:
    account, found = made.limit_set().account, []
    gross, leverage, loss = account.gross_max, account.leverage_max, account.daily_loss_max
    if gross is not None and leverage is not None and gross > LARGE and leverage > LEVERAGE_MAX:
        rule = f"above {LEVERAGE_MAX:g} while gross_max is above {LARGE:,.0f}"
        found.append(
            Fault("account.leverage_max", leverage, rule, f"give at most {LEVERAGE_MAX:g}, or a smaller gross_max", MEANING)
        )
    if gross is not None and loss is not None and loss > LOSS_SHARE * gross:
        rule = f"more than {LOSS_SHARE:.0%} of gross_max {gross:g}"
        found.append(Fault("account.daily_loss_max", loss, rule, f"give at most {LOSS_SHARE * gross:g}", MEANING))
    return found


def _policies(made: AccountPolicy) -> list[Fault]:
    found = []
    ids = [one.id for one in made.policies]
    for k, one in enumerate(made.policies):
        if one.id in ids[:k]:
            found.append(Fault(f"policies.{k}.id", one.id, "is the id of another policy as well", "give each its own", MEANING))
        try:
            one.policy()
        except Misuse as wrong:
            found.append(Fault(f"policies.{k}", None, wrong.what, wrong.remedy, MEANING))
    for symbol, terms in made.margin.items():
        ratios = [ratio for _, ratio in sorted(terms.tiers)]
        if terms.tiers[0][0] != 0 or ratios != sorted(ratios) or not all(0 < ratio < 1 for ratio in ratios):
            rule = "tiers begin at 0, and their ratios lie between 0 and 1 and never fall"
            found.append(Fault(f"margin.{symbol}.tiers", None, rule, "write them as the venue publishes them", MEANING))
    return found


def _strategy(made: StrategyConfig, load: Load | None) -> list[Fault]:
    if load is None:
        return [Fault("type", made.type, "its class cannot be looked at here", "configure it where its file is", MEANING)]
    try:
        cls = load(made.type)
    except B25Error as wrong:
        return [Fault("type", made.type, wrong.what, wrong.remedy, MEANING)]
    found = []
    for name, value in made.parameters.items():
        try:
            cls.record({name: value})
        except Misuse as wrong:
            found.append(Fault(f"parameters.{name}", value, wrong.what, wrong.remedy, MEANING))
    return found


_REFER: Final = "name where it is found, as secretref://NAME; put the secret itself there"


def _fault(model: type[BaseModel], told: Any) -> Fault:
    kind, context = told["type"], told.get("ctx") or {}
    # Of a union pydantic names the member as well; a field is never called as a class is.
    loc = [str(part) for part in told["loc"] if not (isinstance(part, str) and (part[:1].isupper() and part in _UNION))]
    field = ".".join(loc) or "the whole"
    given = None if kind == "missing" else told.get("input")
    rule = told["msg"].removeprefix("Value error, ")
    remedy = "correct it"
    if kind == "extra_forbidden":
        rule, names = "is not known", list(_fields_at(model, told["loc"][:-1]))
        near = difflib.get_close_matches(loc[-1], names, 1)
        remedy = (
            f"did you mean {near[0]!r}?" if near else f"leave it out; known are {', '.join(names)}" if names else "leave it out"
        )
    elif kind in _BOUNDS:
        remedy = _BOUNDS[kind].format(**context)
    elif kind.endswith(("_type", "_parsing")):
        remedy = f"give {kind.partition('_')[0]}" if "_" in kind else remedy
    elif kind == "value_error":
        remedy = rule
    is_table = isinstance(given, BaseModel | dict | list | tuple)
    return Fault(field, None if is_table else _told(field, given, kind, rule), rule, remedy)


def _told(field: str, given: Any, kind: str, rule: str) -> Any:
    """A value as a fault tells it: a text where none belongs, or where a reference does, may be a secret that went astray."""
    is_astray = kind.endswith(("_type", "_parsing")) and not _NUMBER.fullmatch(str(given))
    if isinstance(given, str) and (is_astray or "secretref://" in rule):
        return HIDDEN
    return shown(field, given)


_NUMBER: Final = re.compile(r"[0-9.,eE+%_ -]{0,24}")


_UNION: Final = ("MetricCondition", "EventCondition")


def _fields_at(model: Any, loc: Sequence[Any]) -> list[str]:
    """Names of the fields of the model at a place, as far as it can be followed."""
    for part in loc:
        field = getattr(model, "model_fields", {}).get(part)
        model = _model_in(field.annotation) if field is not None else model
        if model is None:
            return []
    return list(getattr(model, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for one in getattr(annotation, "__args__", ()):
        if (found := _model_in(one)) is not None:
            return found
    return None
