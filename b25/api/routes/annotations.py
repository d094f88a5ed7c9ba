"""Annotations: what people write about runs, sessions, orders, alerts and reports; nothing here changes what is traded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from b25.api.announcer import announcer_of
from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of
from b25.api.places import Limit, Nanoseconds, Place, Words, next_place, place_of
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.api.safe_markdown import render
from b25.store.annotations import OBJECT_MAX, TAGS_MAX, TEXT_MAX, About, Annotations, Changed, NotYours

router = APIRouter(prefix="/annotations", tags=["annotations"])
Kind = Literal["run", "backtest", "session", "order", "fill", "alert", "strategy_version", "time_range", "report"]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{1,40}$")]
In = Annotated[Gateway, Depends(gateway_of)]
Reader = Annotated[Principal, requires(Permission.READ)]
Writer = Annotated[Principal, requires(Permission.ANNOTATE)]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX, description="Markdown; HTML in it is shown as text.")]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=TAGS_MAX)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="That which was read; another writer in between gives 409.")]


class AnnotationIn(BaseModel):
    """A new one, or with `parent_id` an answer: that is about the same thing, and has no answers."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "session", "object": "live-1", "text": "spread too **narrow**, @bob"}]},
    )
    kind: Kind
    object: Annotated[str, Field(min_length=1, max_length=OBJECT_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
    text: Text
    tags: Tags = []
    parent_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,40}$")] = ""
    at_ns: Nanoseconds = 0
    until_ns: Nanoseconds = 0


class AnnotationEdit(BaseModel):
    """What it is to say, if it is still of this version."""

    model_config = ConfigDict(extra="forbid")
    text: Text
    tags: Tags = []
    version: Version


class AnnotationOut(BaseModel):
    """One, as it stands; `html` is its text made safe."""

    annotation_id: str
    kind: Kind
    object: str
    parent_id: str
    author: str
    created_ns: int
    updated_ns: int
    version: int
    text: str
    html: str
    tags: list[str]
    mentions: list[str]
    is_deleted: bool
    at_ns: int
    until_ns: int


class AnnotationPage(BaseModel):
    """Annotations, the newest first."""

    annotations: list[AnnotationOut]
    next: str | None


class AnnotationVersion(BaseModel):
    """One version; the text of one that was deleted since is shown to who may read the audit."""

    version: int
    ts_ns: int
    by: str
    act: Literal["created", "edited", "deleted"]
    text: str | None
    tags: list[str]


class AnnotationHistory(BaseModel):
    """Every version, the oldest first."""

    versions: list[AnnotationVersion]


@router.get("", responses={400: {}, 401: {}, 403: {}, 503: {}})
def find(
    by: Reader, gateway: In, kind: Kind | Literal[""] = "", object: Words = "", author: Words = "", tag: Words = "",
    text: Words = "", parent_id: Annotated[str | None, Query(max_length=40, pattern=r"^[A-Za-z0-9]*$")] = None,
    since_ns: Nanoseconds = 0, until_ns: Nanoseconds = 2**62, with_deleted: bool = False, limit: Limit = 100,
    after: Annotated[Place, Query()] = "",
) -> AnnotationPage:  # fmt: skip
    """Search annotations; every word of `text` must stand in one."""
    rows = Annotations(gateway.store).find(
        kind=kind, object=object, author=author, tag=tag, text=text, parent_id=parent_id, since_ns=since_ns, until_ns=until_ns,
        with_deleted=with_deleted, limit=limit, before=place_of(after),
    )  # fmt: skip
    return AnnotationPage(annotations=[_shown(one) for one in rows], next=next_place(rows, limit, "created_ns", "annotation_id"))


@router.post("", status_code=201, responses={400: {}, 401: {}, 403: {}, 404: {}, 503: {}})
def annotate(told: AnnotationIn, by: Writer, gateway: In, request: Request) -> AnnotationOut:
    """Write about something."""
    with _faults():
        row = Annotations(gateway.store).add(
            About(kind=told.kind, object=told.object, at_ns=told.at_ns, until_ns=told.until_ns), text=told.text, tags=told.tags,
            parent_id=told.parent_id, author=by.name, now_ns=gateway.now_ns(), facts=audit_facts(request),
        )  # fmt: skip
    announcer_of(gateway.parts).annotation(row)
    return _shown(row)


@router.get("/{annotation_id}", responses={401: {}, 403: {}, 404: {}, 503: {}})
def annotation(annotation_id: Id, by: Reader, gateway: In) -> AnnotationOut:
    """One; of one that was deleted there is no text."""
    with _faults():
        return _shown(Annotations(gateway.store).get(annotation_id))


@router.get("/{annotation_id}/history", responses={401: {}, 403: {}, 404: {}, 503: {}})
def history(annotation_id: Id, by: Reader, gateway: In) -> AnnotationHistory:
    """Every version that there was."""
    held = Annotations(gateway.store)
    with _faults():
        is_shown = not held.get(annotation_id)["is_deleted"] or by.may(Permission.AUDIT)
        rows = held.history(annotation_id)
    told = [{**one, "text": one["text"] if is_shown else None} for one in rows]
    return AnnotationHistory(versions=[AnnotationVersion(**{n: one[n] for n in AnnotationVersion.model_fields}) for one in told])


@router.put("/{annotation_id}", responses={400: {}, 401: {}, 403: {}, 404: {}, 409: {}, 503: {}})
def edit(annotation_id: Id, told: AnnotationEdit, by: Writer, gateway: In, request: Request) -> AnnotationOut:
    """Write one's own anew; what it said before is kept."""
    with _faults():
        row = Annotations(gateway.store).edit(
            annotation_id, text=told.text, tags=told.tags, version=told.version, by=by.name, now_ns=gateway.now_ns(),
            facts=audit_facts(request),
        )  # fmt: skip
    announcer_of(gateway.parts).annotation(row)
    return _shown(row)


@router.delete("/{annotation_id}", responses={401: {}, 403: {}, 404: {}, 409: {}, 503: {}})
def delete(annotation_id: Id, by: Writer, gateway: In, request: Request, version: Annotated[Version, Query()]) -> AnnotationOut:
    """Take the text of one's own away; an administrator may do it with any."""
    with _faults():
        row = Annotations(gateway.store).delete(
            annotation_id, version=version, by=by.name, may_any=by.may(Permission.PLATFORM), now_ns=gateway.now_ns(),
            facts=audit_facts(request),
        )  # fmt: skip
    announcer_of(gateway.parts).annotation(row)
    return _shown(row)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except LookupError:
        raise Problem(404, "there is no such annotation", remedy="see GET /annotations") from None
    except NotYours as fault:
        raise Problem(403, fault.what, remedy=fault.remedy) from None
    except Changed as fault:
        raise Problem(409, fault.what, remedy=fault.remedy) from None


def _shown(row: dict[str, Any]) -> AnnotationOut:
    return AnnotationOut(**row, html=render(row["text"]))
