"""What all schemas have in common: unknown keys are refused, values are held to their types, numbers are finite."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from b25.config.secret import is_reference

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Schema(BaseModel):
    """Base of every schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _named(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("begin with a letter or digit; then letters, digits, `_`, `.` and `-`, 64 characters at most")
    return text


def _referring(text: str) -> str:
    if not is_reference(text):
        raise ValueError("say where the secret is found, as secretref://NAME; a secret itself is never kept in a configuration")
    return text


def _zoned(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("use a time zone of the IANA list, e.g. UTC or Europe/Berlin")
    return text


def _decimal(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("give a decimal as text, e.g. '0.001'")
    return Decimal(str(value)) if isinstance(value, int | float) else value


Name = Annotated[str, AfterValidator(_named)]
SecretRef = Annotated[str, Field(max_length=200), AfterValidator(_referring)]
Zone = Annotated[str, AfterValidator(_zoned)]
_AsText = PlainSerializer(lambda number: format(number, "f"), return_type=str)
Amount = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, allow_inf_nan=False), _AsText]
Positive = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, allow_inf_nan=False), _AsText]
Text = Annotated[str, Field(max_length=4_000)]
