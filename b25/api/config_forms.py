"""What requests and answers about configurations look like."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field

from b25.config.bundle import Imported
from b25.config.outcome import Outcome
from b25.store.config_desk import Ack, Pending, Schedule
from b25.store.configurations import Change, Head, Version

Data = TypeVar("Data")
Reason = Annotated[str, Field(max_length=1_000)]
Whole = Annotated[int, Field(ge=1, le=2**53)]


class Given(BaseModel):
    """A request; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


class ValueGiven(Given):
    """A value as plain data, or as a text of a format: one of them."""

    value: dict[str, Any] | None = None
    text: Annotated[str, Field(max_length=262_144)] | None = None
    format: Literal["json", "yaml", "toml"] = "json"

    @property
    def given(self) -> str | dict[str, Any]:
        """What is given."""
        return self.value if self.value is not None else self.text or ""


class Creation(ValueGiven):
    """A new configuration."""

    key: Annotated[str, Field(max_length=300, examples=["default/mm/live/limits"])]
    type: Annotated[str, Field(max_length=64, examples=["risk_limit"])]
    description: Annotated[str, Field(max_length=4_000)] = ""
    reason: Reason = ""


class Update(ValueGiven):
    """The next version; `version` is the latest one as it was read."""

    version: Whole
    description: Annotated[str, Field(max_length=4_000)] | None = None
    reason: Reason = ""


class Trial(ValueGiven):
    """A value to be looked at, changing nothing; with `tries` the running sessions are asked too."""

    key: Annotated[str, Field(max_length=300)]
    type: Annotated[str, Field(max_length=64)]
    tries: bool = True


class Activation(Given):
    """Which version is to hold; the latest by default."""

    version: Whole | None = None
    reason: Reason = ""


class Ending(Given):
    """Why something is to end."""

    reason: Reason = ""


class Rollback(Given):
    """Which version to take up again, and why."""

    version: Whole
    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class Planned(Given):
    """A draft that is to hold from a time on."""

    key: Annotated[str, Field(max_length=300)]
    version: Whole
    at_ns: Annotated[int, Field(ge=0, le=2**62)]
    reason: Reason = ""


class Agreement(Given):
    """Why one agrees or does not; `typed` by who agrees with himself."""

    reason: Reason = ""
    typed: Annotated[str, Field(max_length=400)] = ""


class Bundle(Given):
    """A bundle as text; with `activate` it is to hold, with `dry` nothing is changed."""

    text: Annotated[str, Field(max_length=262_144)] | None = None
    format: Literal["json", "yaml", "toml"] = "json"
    profile: Annotated[str, Field(max_length=64)] | None = None
    activate: bool = False
    dry: bool = False
    reason: Reason = ""


class One(BaseModel, Generic[Data]):
    """One thing."""

    data: Data
    request_id: str


class Many(BaseModel, Generic[Data]):
    """Some of a list, and how many there are in all."""

    data: list[Data]
    total: int
    request_id: str


class ConfigurationOut(BaseModel):
    """A configuration as it stands."""

    id: str
    key: str
    type: str
    format: str
    description: str
    state: Literal["DRAFT", "ACTIVE", "ARCHIVED"]
    version: int
    active_version: int | None
    created_by: str
    created_ns: int
    updated_ns: int
    deleted_ns: int | None

    @classmethod
    def of(cls, head: Head) -> ConfigurationOut:
        """Return it as it is told."""
        return cls(**{name: getattr(head, name) for name in cls.model_fields})


class VersionOut(BaseModel):
    """One version."""

    number: int
    value: dict[str, Any]
    checksum: str
    changed_by: str
    reason: str
    made_ns: int
    of_version: int | None

    @classmethod
    def of(cls, version: Version) -> VersionOut:
        """Return it as it is told."""
        return cls(**{name: getattr(version, name) for name in cls.model_fields})


class LoosenedOut(BaseModel):
    """What lets more risk through than before."""

    field: str
    before: Any
    after: Any


class PendingOut(BaseModel):
    """What waits for a second person; `confirm` is what is typed by who works alone."""

    id: str
    key: str
    action: str
    version: int | None
    asked_by: str
    asked_ns: int
    reason: str
    state: str
    loosened: list[LoosenedOut]
    confirm: str

    @classmethod
    def of(cls, one: Pending, confirm: str) -> PendingOut:
        """Return it as it is told."""
        own = {name: getattr(one, name) for name in ("id", "key", "action", "version", "asked_by", "asked_ns", "reason", "state")}
        return cls(**own, loosened=orjson.loads(one.loosened), confirm=confirm)


class OutcomeOut(BaseModel):
    """What came of a change. With `pending` nothing holds yet: somebody else must agree."""

    configuration: ConfigurationOut
    version: VersionOut
    loosened: list[LoosenedOut]
    pending: str | None

    @classmethod
    def of(cls, came: Outcome) -> OutcomeOut:
        """Return it as it is told."""
        return cls(
            configuration=ConfigurationOut.of(came.head), version=VersionOut.of(came.version),
            loosened=[LoosenedOut(**one.facts()) for one in came.loosened],
            pending=came.pending.id if came.pending is not None else None,
        )  # fmt: skip


class Held(BaseModel):
    """A configuration with one of its versions, and all that holds under its key."""

    configuration: ConfigurationOut
    version: VersionOut
    effective: dict[str, Any]


class ChangeOut(BaseModel):
    """Something that was done, with the values before and after."""

    seq: int
    time_ns: int
    action: str
    actor: str
    reason: str
    version: int | None
    before_version: int | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    ip: str | None
    client: str | None

    @classmethod
    def of(cls, one: Change, old: Version | None, new: Version | None) -> ChangeOut:
        """Return it as it is told."""
        names = ("seq", "time_ns", "action", "actor", "reason", "version", "before_version")
        body = orjson.loads(one.body)
        facts: dict[str, Any] = {name: getattr(one, name) for name in names}
        facts |= {"old": old.value if old else None, "new": new.value if new else None}
        return cls(**facts, ip=body.get("ip"), client=body.get("client"))


class FaultOut(BaseModel):
    """What is wrong: field, value, rule, and what would be right; `level` 1 schema, 2 meaning, 3 the sessions that run."""

    field: str
    value: Any
    rule: str
    remedy: str
    level: int


class TriedOut(BaseModel):
    """What a session would say."""

    session: str
    outcome: str
    detail: str


class TrialOut(BaseModel):
    """What would become of a value; with `needs_approval` somebody else must agree."""

    is_valid: bool
    faults: list[FaultOut]
    sessions: list[TriedOut]
    loosened: list[LoosenedOut]
    needs_approval: bool


class DifferenceOut(BaseModel):
    """A field in which two versions differ."""

    field: str
    change: Literal["added", "removed", "changed"]
    before: Any
    after: Any


class RunningOut(BaseModel):
    """What a session said to a key last."""

    session: str
    key: str
    type: str
    version: int
    outcome: str
    detail: str
    time_ns: int
    active_version: int | None

    @classmethod
    def of(cls, ack: Ack, active: int | None) -> RunningOut:
        """Return it as it is told."""
        names = ("session", "key", "type", "version", "outcome", "detail", "time_ns")
        return cls(**{name: getattr(ack, name) for name in names}, active_version=active)


class ScheduleOut(BaseModel):
    """A version that is to hold from a time on."""

    id: str
    key: str
    version: int
    at_ns: int
    asked_by: str
    reason: str
    state: str
    told: str

    @classmethod
    def of(cls, one: Schedule) -> ScheduleOut:
        """Return it as it is told."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class ImportedOut(BaseModel):
    """What an import did to one key."""

    key: str
    type: str
    action: str
    version: int | None
    pending: str | None
    is_active: bool

    @classmethod
    def of(cls, one: Imported) -> ImportedOut:
        """Return it as it is told."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})
