"""Types `report`, `feature_flag`, `system` and `custom`: the platform's own settings, and what others add to it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from b25.config.schemas.base import Name, Schema, Text

Scalar = str | int | float | bool
KINDS: Final[dict[str, tuple[type, ...]]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
CRON: Final = re.compile(r"(\S+\s+){4}\S+")


class ReportConfig(Schema):
    """A report that is made of a notebook at its times, UTC."""

    name: Name
    template: Annotated[
        str, Field(max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.ipynb$")
    ]
    schedule: Annotated[str, Field(max_length=100)] = ""
    parameters: dict[Annotated[str, Field(max_length=64)], Scalar] = Field(default_factory=dict)
    routes: tuple[Name, ...] = ()
    enabled: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.schedule and not CRON.fullmatch(self.schedule):
            raise ValueError("give schedule as five fields of cron, e.g. '0 6 * * *', or leave it out")
        return self


class FeatureFlag(Schema):
    """Something that is on or off."""

    name: Name
    enabled: bool
    description: Text = ""


class SystemSetting(Schema):
    """A name and a value of its declared type."""

    name: Name
    type: Literal["str", "int", "float", "bool"]
    value: Scalar
    description: Text = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _typed("value", self.value, self.type)
        return self


class FieldRule(Schema):
    """What a field of one's own may hold."""

    type: Literal["str", "int", "float", "bool"]
    required: bool = True
    ge: float | None = None
    le: float | None = None
    choices: tuple[Scalar, ...] | None = None


class CustomConfig(Schema):
    """A schema of one's own, and values that are held to it."""

    name: Name
    fields: Annotated[dict[Name, FieldRule], Field(min_length=1, max_length=200)]
    values: dict[str, Scalar]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, value in self.values.items():
            rule = self.fields.get(name)
            if rule is None:
                raise ValueError(f"values.{name} is not among fields")
            _typed(f"values.{name}", value, rule.type)
            if rule.choices is not None and value not in rule.choices:
                raise ValueError(f"values.{name} is none of {', '.join(map(str, rule.choices))}")
            low, high = rule.ge, rule.le
            if isinstance(value, int | float) and ((low is not None and value < low) or (high is not None and value > high)):
                raise ValueError(f"values.{name} is outside {low}…{high}")
        if lacking := [name for name, rule in self.fields.items() if rule.required and name not in self.values]:
            raise ValueError(f"values.{lacking[0]} is missing")
        return self


def _typed(where: str, value: Any, kind: str) -> None:
    if not isinstance(value, KINDS[kind]) or (kind != "bool" and isinstance(value, bool)):
        raise ValueError(f"{where} is declared as {kind}, and is {type(value).__name__}")
