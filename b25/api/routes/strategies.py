"""Strategies: the files, their parameters and versions, and which sessions run them. Reading one never runs it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from b25.api.answers import Page, problems
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.pictures import Pictures
from b25.api.roles import Permission
from b25.api.strategy_files import StrategyFile, read_strategies

router = APIRouter(prefix="/strategies", tags=["strategies"])
Reader = Annotated[Principal, requires(Permission.READ)]
Seen = Annotated[Pictures, Depends(part(Pictures))]
Home = Annotated[Gateway, Depends(gateway_of)]
Name = Annotated[str, Path(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", examples=["MarketMaker"])]


class Parameter(BaseModel):
    """A parameter of a strategy."""

    name: str
    type: str
    default: bool | int | float | str | None
    bounds: dict[str, bool | int | float | str | None]


class StrategyView(BaseModel):
    """A strategy."""

    name: str = Field(examples=["MarketMaker"])
    file: str
    doc: str
    version: str = Field(description="SHA-256 of the file")
    parameters: list[Parameter]
    sessions: list[str] = Field(description="Sessions that run a class of this name now")


class Running(BaseModel):
    """A session that runs a strategy, with the values of its parameters."""

    session: str
    state: str | None
    mode: str | None
    values: dict[str, Any]


def _view(one: StrategyFile, seen: Pictures, by: Principal) -> StrategyView:
    sessions = [two.name for two in seen.seen_by(by) if two.is_running and two.status.get("strategy") == one.name]
    parameters = [Parameter(**row) for row in one.parameters]
    return StrategyView(name=one.name, file=one.file, doc=one.doc, version=one.version, parameters=parameters, sessions=sessions)


@router.get("")
def listing(by: Reader, home: Home, seen: Seen) -> Page[StrategyView]:
    """Strategies of the folder, read from their files."""
    found = [_view(one, seen, by) for one in read_strategies(home.settings.strategies_folder)]
    return Page(data=found, total=len(found))


@router.get("/{name}", responses=problems(404))
def one(name: Name, by: Reader, home: Home, seen: Seen) -> StrategyView:
    """One strategy."""
    found = next((one for one in read_strategies(home.settings.strategies_folder) if one.name == name), None)
    if found is None:
        raise Problem(404, "no strategy of that name")
    return _view(found, seen, by)


@router.get("/{name}/status", responses=problems(404))
def status(name: Name, by: Reader, home: Home, seen: Seen) -> Page[Running]:
    """Sessions that run it, with the values of its parameters and fields."""
    one(name, by, home, seen)
    found = [
        Running(
            session=two.name, state=two.status.get("state"), mode=two.status.get("mode"),
            values=dict((two.status.get("picture") or {}).get("strategy") or {}),
        )
        for two in seen.seen_by(by)
        if two.is_running and two.status.get("strategy") == name
    ]  # fmt: skip
    return Page(data=found, total=len(found))
