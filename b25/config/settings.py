"""Where to listen, what to connect to, where files lie: read once at the start, from b25.toml, B25_… and the command line."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from b25.model.errors import Misuse

FILE: Final = "b25.toml"


class GatewaySettings(BaseModel):
    """Where the gateway listens, and whom it answers.

    Attributes
    ----------
    hosts, origins : tuple of str
        Host names that are ours, and origins of pages that may speak for who uses them, as ``"https://desk.example"``.
    rate_scale : float
        Every limit of how often somebody may ask, times this.
    bus : bool
        Whether there is a bus: market data, and sessions on other machines.
    sockets_max : int
        Connections at one time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    origins: tuple[str, ...] = ()
    access_s: int = Field(default=600, ge=60, le=900)
    refresh_s: int = Field(default=7 * 86_400, ge=600, le=7 * 86_400)
    rate_scale: float = Field(default=1.0, gt=0.0, le=1e6)
    sockets_max: int = Field(default=1_000, ge=1, le=1_000)
    bus: bool = False


class PromotionSettings(BaseModel):
    """What a promoted version must show before it may go on. Each may be made stricter here, and none laxer.

    Attributes
    ----------
    observe_hours, paper_hours, canary_hours : float
        How long it must have watched, traded on paper, and traded live as a canary, without an error.
    paper_fills, canary_fills : int
        Fills in those times.
    canary_size_factor : float
        By which the limits of a canary are scaled.
    canary_cost_bps_max : float
        Fees of the canary's fills, in basis points of what it traded.
    drill_days_max : float
        How old the last drill of the kill switch, and the last alert that was delivered, may be.
    cool_off_s : float
        How long who works alone must think before he agrees with himself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    observe_hours: float = Field(default=2.0, ge=2.0)
    paper_hours: float = Field(default=24.0, ge=24.0)
    paper_fills: int = Field(default=30, ge=30)
    canary_hours: float = Field(default=24.0, ge=24.0)
    canary_fills: int = Field(default=30, ge=30)
    canary_size_factor: float = Field(default=0.25, gt=0.0, le=0.25)
    canary_cost_bps_max: float = Field(default=10.0, gt=0.0, le=10.0)
    drill_days_max: float = Field(default=90.0, gt=0.0, le=90.0)
    cool_off_s: float = Field(default=60.0, ge=60.0)


class Settings(BaseSettings):
    """Everything that is fixed when a process starts.

    Attributes
    ----------
    database_url : str
        SQLite file or PostgreSQL; see `b25.store.store.open_store`.
    run_folder, catalog, secrets_folder : Path
        Sessions, seats and latches; recorded data; generated secrets of mode 0600.
    reports_database_url : str
        What the notebooks of reports read: give the address of a role that may only read; empty for the same as everything.
    audit_anchor : Path, optional
        File elsewhere to which the gateway appends the head of the audit every hour.
    """

    model_config = SettingsConfigDict(
        env_prefix="B25_", env_nested_delimiter="__", toml_file=FILE, extra="forbid", frozen=True, env_ignore_empty=True
    )

    database_url: str = "sqlite:///data/b25.db"
    run_folder: Path = Path("data/run")
    catalog: Path = Path("data/catalog")
    secrets_folder: Path = Path("data/secrets")
    reports_folder: Path = Path("data/reports")
    reports_file: Path = Path("reports.toml")
    reports_database_url: str = ""
    strategies_folder: Path = Path("strategies")
    audit_anchor: Path | None = None
    gateway: GatewaySettings = GatewaySettings()
    promotion: PromotionSettings = PromotionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line before environment before file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


PARTS: Final[dict[str, type[BaseModel]]] = {"gateway": GatewaySettings, "promotion": PromotionSettings}


def read_settings(**told: Any) -> Settings:
    """Return the settings that hold here.

    Parameters
    ----------
    **told
        From the command line; None is as if it was left out.

    Raises
    ------
    Misuse
        Names the first setting that is wrong, and where it stands.
    """
    try:
        return Settings(**{name: value for name, value in told.items() if value is not None})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as fault:
        why = f"{fault.strerror}" if isinstance(fault, OSError) else "it is not well formed TOML"
        place = re.search(r"at line \d+, column \d+", str(fault))
        raise Misuse(f"{FILE} cannot be read: {why}{f', {place[0]}' if place else ''}", remedy="correct it there") from None
    except SettingsError:
        raise Misuse("a variable B25_… of the environment is no JSON", remedy="give tables and lists as JSON") from None
    except ValidationError as fault:
        first = fault.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            last = str(first["loc"][-1])
            names = PARTS.get(str(first["loc"][0]), Settings).model_fields
            near = difflib.get_close_matches(last, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"leave it out; known are {', '.join(names)}"
            raise Misuse(f"the setting {name} is not known", remedy=hint) from None
        raise Misuse(
            f"the setting {name}: {first['msg']}", remedy=f"correct it in {FILE}, or in B25_{name.upper().replace('.', '__')}"
        ) from None
