"""Messages to people: what was sent by which channel, what became of it, and a message to try one."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of
from b25.api.places import Limit, Nanoseconds, Place, Words, next_place, place_of
from b25.api.principal import Principal
from b25.api.roles import Permission
from b25.store.audit import add_audit
from b25.store.notification_queue import NotificationQueue

router = APIRouter(prefix="/notifications", tags=["alerts"])
In = Annotated[Gateway, Depends(gateway_of)]
Reader = Annotated[Principal, requires(Permission.READ)]
Watcher = Annotated[Principal, requires(Permission.ACKNOWLEDGE)]
Status = Literal["pending", "sending", "retrying", "sent", "dead", "folded", "digested", "cancelled"]


class NotificationOut(BaseModel):
    """One message to one channel; a time of 0 has not come."""

    notification_id: str
    channel: str
    kind: str
    severity: str
    rule: str
    title: str
    body: str
    alert_ids: list[str]
    correlation_id: str
    status: Status
    tries: int
    tries_max: int
    created_ns: int
    next_ns: int
    sent_ns: int
    fault: str


class NotificationPage(BaseModel):
    """Messages, the newest first."""

    notifications: list[NotificationOut]
    next: str | None


class ChannelStatistics(BaseModel):
    """What became of a channel's messages."""

    channel: str
    by_status: dict[str, int]
    tries: int
    mean_ns: int | None
    longest_ns: int | None


class Statistics(BaseModel):
    """By channel."""

    since_ns: int
    channels: list[ChannelStatistics]
    waiting: int
    dead: int
    oldest_s: float


class TestIn(BaseModel):
    """Which channel to try."""

    __test__ = False
    model_config = ConfigDict(extra="forbid")
    channel: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class TestOut(BaseModel):
    """The message that was put into the queue; what became of it is told by GET /notifications."""

    __test__ = False
    notification_id: str


@router.get("", responses={401: {}, 403: {}, 503: {}})
def notifications(
    by: Reader, gateway: In, channel: Words = "", status: Status | Literal[""] = "", alert_id: Words = "", text: Words = "",
    since_ns: Nanoseconds = 0, limit: Limit = 100, after: Annotated[Place, Query()] = "",
) -> NotificationPage:  # fmt: skip
    """Search messages."""
    rows = NotificationQueue(gateway.store).rows(
        channel=channel, status=status, alert_id=alert_id, text=text, since_ns=since_ns, limit=limit, before=place_of(after)
    )
    told = [NotificationOut(**{name: row[name] for name in NotificationOut.model_fields}) for row in rows]
    return NotificationPage(notifications=told, next=next_place(rows, limit, "created_ns", "notification_id"))


@router.get("/statistics", responses={401: {}, 403: {}, 503: {}})
def statistics(by: Reader, gateway: In, since_ns: Nanoseconds = 0) -> Statistics:
    """What became of messages, by channel."""
    queue = NotificationQueue(gateway.store)
    channels = [ChannelStatistics(**one) for one in queue.statistics(since_ns)]
    return Statistics(since_ns=since_ns, channels=channels, **queue.waiting(gateway.now_ns()))


@router.post("/test", status_code=202, responses={401: {}, 403: {}, 503: {}})
def try_channel(told: TestIn, by: Watcher, gateway: In, request: Request) -> TestOut:
    """Have a message sent by one channel: the alerts' process takes it from the queue."""
    now_ns, store = gateway.now_ns(), gateway.store
    name = f"test/{secrets.token_hex(8)}/{told.channel}"
    row = {
        "notification_id": name, "channel": told.channel, "kind": "test", "title": "[b25 test] this channel works",
        "body": f"{by.name} asked for this.", "created_ns": now_ns, "next_ns": now_ns, "tries_max": 1,
    }  # fmt: skip
    with store.writing():
        NotificationQueue(store).add(row)
        body = audit_facts(request, object=f"channel/{told.channel}", before=None, after={"notification_id": name}, reason="")
        add_audit(store, actor=by.name, action="notification.test", body=body, now_ns=now_ns)
    return TestOut(notification_id=name)
