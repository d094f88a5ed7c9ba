"""The service on real databases and real receivers: once per cooldown over restarts, retries, outages, quiet hours, people."""

import asyncio
import time
from dataclasses import replace

import pytest

from b25.bus.publisher import Publisher
from b25.runner.alarms import Alarms
from b25.runner.alerts.channels import channels_of
from b25.runner.alerts.rules import routes_from, rules_from
from b25.runner.alerts.service import DIGEST_NS, AlertService
from b25.runner.structured_log import StructuredLog
from b25.store.annotations import About, Annotations
from b25.store.faults import Cause, StoreFailed

S = 1_000_000_000
T0 = 20_000 * 86_400 * S + 3_600 * S
LEVERAGE = {
    "name": "lev", "source": "metric", "metric": "risk.metrics.leverage", "condition": {"op": ">", "threshold": 3.0},
    "severity": "critical", "cooldown_s": 300.0,
}  # fmt: skip


class Stand:
    """A service whose clock a test sets."""

    def __init__(self, store, folder, http, *rules, routes=None, heartbeat_s=0.0):
        secrets = folder / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "hook").write_text(f"http://127.0.0.1:{http.port}/hook {'k' * 32}")
        (secrets / "hook").chmod(0o600)
        row = {"name": "hook", "kind": "webhook", "secretref": "file:hook"}
        self.routes = routes_from({"routes": routes or [row]})
        self.now_ns, self.said = T0, []
        self.log = StructuredLog(folder / "notify.jsonl")
        self.service = AlertService(
            store, folder, rules_from({"rules": rules}), self.routes, channels_of(self.routes, secrets, self.log),
            Publisher("alerts", "test"), self.said.append, lambda: self.now_ns, heartbeat_s=heartbeat_s,
        )  # fmt: skip
        self.service.restore()

    async def level(self, value, source="session/a"):
        engine = self.service.engine
        await self.service.keep(engine.observe("risk.metrics", source, {"leverage": value}, self.now_ns))

    async def second(self, value=None, count=1):
        for _ in range(count):
            if value is not None:
                await self.level(value)
            await self.service.look()
            while await self.service.deliver():
                pass
            self.now_ns += S


@pytest.mark.golden("G29")
@pytest.mark.spec("NT-05", "NT-06", "NT-N2")
def test_two_messages_in_599_s_also_when_the_first_needs_another_try(store, tmp_path, http):
    stand = Stand(store, tmp_path, http, LEVERAGE)
    http.answers = [503]

    async def run():
        for _ in range(24):  # steps of 25 s: 600 s
            await stand.level(9 if stand.now_ns < T0 + 599 * S else 1)
            await stand.second()
            stand.now_ns += 24 * S
        for _ in range(16):
            await stand.level(1)
            await stand.second()
            stand.now_ns += 24 * S

    asyncio.run(run())
    titles = [one["title"].split("]")[0] for one in http.accepted]
    assert titles == ["[b25 critical", "[b25 critical, still", "[b25 resolved"]
    assert len(http.got) == 4
    assert http.got[0][1]["idempotency-key"] == http.got[1][1]["idempotency-key"]


@pytest.mark.spec("NT-05", "NT-06")
def test_a_new_life_says_nothing_twice_and_sends_what_the_old_one_left(store, tmp_path, http):
    first = Stand(store, tmp_path, http, LEVERAGE)
    asyncio.run(first.level(9))  # entered in the queue; the process dies before it sends
    second = Stand(store, tmp_path, http, LEVERAGE)
    second.now_ns = T0 + 10 * S
    asyncio.run(second.second(9, count=5))
    assert len(http.accepted) == 1
    third = Stand(store, tmp_path, http, LEVERAGE)
    third.now_ns = T0 + 297 * S
    asyncio.run(third.second(9, count=6))
    assert [one["title"].split("]")[0] for one in http.accepted] == ["[b25 critical", "[b25 critical, still"]


@pytest.mark.spec("NT-06")
def test_a_sender_that_died_while_sending_is_taken_over_when_its_claim_runs_out(store, tmp_path, http):
    first = Stand(store, tmp_path, http, LEVERAGE)
    asyncio.run(first.level(9))
    taken = first.service.queue.claim("dead", T0, 60 * S, 20)
    assert len(taken) == 1
    second = Stand(store, tmp_path, http, LEVERAGE)
    second.now_ns = T0 + 59 * S
    assert asyncio.run(second.service.deliver()) == 0
    second.now_ns = T0 + 60 * S
    assert asyncio.run(second.service.deliver()) == 1
    assert len(http.accepted) == 1
    assert not second.service.queue.finish(taken[0]["notification_id"], "dead", status="sent", next_ns=0, now_ns=T0)


@pytest.mark.spec("NT-06", "NT-05")
@pytest.mark.parametrize(("severity", "tries", "at_s"), [("warning", 3, [0, 5, 15]), ("critical", 5, [0, 5, 15, 35, 75])])
def test_tries_are_5_s_doubled_and_then_it_is_dead(store, tmp_path, http, severity, tries, at_s):
    stand = Stand(store, tmp_path, http, LEVERAGE | {"severity": severity, "cooldown_s": 86_400.0})
    http.answers = [500] * 10
    times = []

    async def run():
        await stand.level(9)
        for second in range(90):
            before = len(http.got)
            await stand.service.deliver()
            times.extend([second] * (len(http.got) - before))
            stand.now_ns += S

    asyncio.run(run())
    assert times == at_s
    row = stand.service.queue.rows()[0]
    assert (row["status"], row["tries"], row["fault"]) == ("dead", tries, "channel hook: answered 500")


@pytest.mark.spec("NT-04", "NT-07")
def test_quiet_hours_hold_back_a_warning_until_morning_and_let_what_is_critical_pass(store, tmp_path, http):
    route = {
        "name": "hook", "kind": "webhook", "secretref": "file:hook",
        "quiet_hours": {"start": "00:30", "end": "02:00", "timezone": "UTC"},
    }  # fmt: skip
    warn = LEVERAGE | {"name": "warn", "severity": "warning", "cooldown_s": 3_600.0}
    stand = Stand(store, tmp_path, http, LEVERAGE | {"cooldown_s": 86_400.0}, warn, routes=[route])
    asyncio.run(stand.second(9))
    assert [one["severity"] for one in http.accepted] == ["critical"]
    stand.now_ns = T0 + 3_600 * S  # two o'clock
    asyncio.run(stand.second(count=21))
    digests = [one for one in http.accepted if one["kind"] == "digest"]
    assert len(digests) == 1
    assert "warn" in digests[0]["body"]
    assert {one["status"] for one in stand.service.queue.rows()} >= {"digested", "sent"}
    stand.now_ns += DIGEST_NS
    asyncio.run(stand.second(count=21))
    assert len([one for one in http.accepted if one["kind"] == "digest"]) == 1


@pytest.mark.spec("NT-07")
def test_a_channel_takes_so_many_an_hour_and_the_rest_in_a_digest_but_all_that_is_critical(store, tmp_path, http):
    route = {"name": "hook", "kind": "webhook", "secretref": "file:hook", "max_per_hour": 2}
    warn = LEVERAGE | {"name": "warn", "severity": "warning", "group_by": ["session"]}
    critical = LEVERAGE | {"group_by": ["session"]}
    stand = Stand(store, tmp_path, http, warn, critical, routes=[route])

    async def run():
        for i in range(6):
            told = {"leverage": 9, "session": str(i)}
            await stand.service.keep(stand.service.engine.observe("risk.metrics", f"session/{i}", told, stand.now_ns))
            while await stand.service.deliver():
                pass
            stand.now_ns += S

    asyncio.run(run())
    got = [one["severity"] for one in http.accepted]
    assert got.count("critical") == 6
    assert got.count("warning") <= 2


@pytest.mark.spec("OB-10", "NT-10")
def test_while_the_store_is_gone_what_is_critical_is_told_once_and_entered_later(store, tmp_path, http, monkeypatch):
    stand = Stand(store, tmp_path, http, LEVERAGE, {
        "name": "store_down", "source": "metric", "metric": "own.store.is_up", "condition": {"op": "<", "threshold": 1},
        "severity": "critical", "cooldown_s": 3_600.0,
    })  # fmt: skip
    real = stand.service._write

    def gone(waiting):
        raise StoreFailed(Cause.UNAVAILABLE, "gone")

    async def run():
        monkeypatch.setattr(stand.service, "_write", gone)
        await stand.second(9, count=5)
        assert sorted(one["title"].split("] ")[1].split(":")[0] for one in http.accepted) == ["lev", "store_down"]
        monkeypatch.setattr(stand.service, "_write", real)
        await stand.second(9, count=30)

    asyncio.run(run())
    assert len([one for one in http.accepted if "resolved" not in one["title"]]) == 2
    rows = {one["rule"]: one["status"] for one in stand.service.queue.rows() if "resolved" not in one["title"]}
    assert rows == {"lev": "sent", "store_down": "sent"}
    assert stand.said[-1] == "the store is back"


@pytest.mark.spec("NT-10")
def test_a_heartbeat_proves_each_channel_once_in_its_time_over_restarts(store, tmp_path, http):
    for _ in range(3):
        stand = Stand(store, tmp_path, http, heartbeat_s=3_600.0)
        asyncio.run(stand.second(count=3))
    assert [one["kind"] for one in http.accepted] == ["heartbeat"]
    stand.now_ns += 3_600 * S
    asyncio.run(stand.second(count=11))
    assert [one["kind"] for one in http.accepted] == ["heartbeat"] * 2


@pytest.mark.spec("R17", "NT-10")
def test_an_alarm_of_another_process_is_told(store, tmp_path, http):
    rule = {
        "name": "alarm", "source": "event", "subject": "own.alarm", "condition": {"op": "any"}, "severity": "critical",
        "text": "{process}: {kind}: {what}",
    }  # fmt: skip
    stand = Stand(store, tmp_path, http, rule)
    Alarms(tmp_path, "kill", stand.said.append).alarm("latched", "the kill switch is latched; signature=geheim1")
    asyncio.run(stand.second())
    again = Stand(store, tmp_path, http, rule)
    asyncio.run(again.second(count=3))
    assert [one["title"] for one in http.accepted] == ["[b25 critical] kill: latched: the kill switch is latched; signature=***"]


@pytest.mark.spec("NT-05", "OB-08", "SYS-20")
def test_what_people_did_reaches_the_engine(store, tmp_path, http):
    stand = Stand(store, tmp_path, http, LEVERAGE | {"cooldown_s": 10.0})

    async def run():
        await stand.second(9)
        alert_id = stand.service.log.alerts()[0]["alert_id"]
        stand.service.log.acknowledge(alert_id, by="ann", reason="seen", facts={}, now_ns=stand.now_ns)
        await stand.second(9)
        before = len(http.accepted)
        await stand.second(9, count=20)
        assert len(http.accepted) == before == 1
        stand.service.log.silence(
            rule="lev", source="", starts_ns=0, ends_ns=stand.now_ns + 100 * S, by="ann", reason="work", facts={},
            now_ns=stand.now_ns,
        )  # fmt: skip
        await stand.second()
        await stand.level(9, "session/b")
        await stand.second()
        assert len(http.accepted) == before
        return stand.service.log.alert(alert_id)

    told = asyncio.run(run())
    assert (told["acknowledged_by"], [one["event"] for one in told["events"]][:2]) == ("ann", ["firing", "told: firing"])


@pytest.mark.spec("CO-05")
def test_who_is_mentioned_is_told_once(store, tmp_path, http):
    rule = {
        "name": "mention", "source": "event", "subject": "own.mention", "condition": {"op": "any"}, "severity": "info",
        "text": "@{user}: {author} wrote about {object}",
    }  # fmt: skip
    stand = Stand(store, tmp_path, http, rule)
    Annotations(store).add(About(kind="run", object="r1"), text="look, @bob", author="ann", now_ns=T0)
    asyncio.run(stand.second(count=3))
    assert [one["title"] for one in http.accepted] == ["[b25 info] @bob: ann wrote about run/r1"]


def test_an_old_message_and_an_old_alert_go(store, tmp_path, http):
    stand = Stand(store, tmp_path, http, LEVERAGE)

    async def run():
        await stand.second(9)
        await stand.second(1, count=12)

    asyncio.run(run())
    assert stand.service.queue.prune(stand.now_ns + 1) == 2
    assert stand.service.log.prune(stand.now_ns + 1) == 1
    assert stand.service.log.alerts() == []


def test_statistics_say_what_became_of_messages(store, tmp_path, http):
    stand = Stand(store, tmp_path, http, LEVERAGE)
    http.answers = [500]
    asyncio.run(stand.second(9, count=8))
    (row,) = stand.service.queue.statistics(0)
    assert (row["channel"], row["by_status"], row["tries"]) == ("hook", {"sent": 1}, 2)
    assert row["longest_ns"] >= 5 * S


@pytest.mark.spec("R17", "NT-10")
def test_from_event_to_receiver_in_less_than_five_seconds(store, tmp_path, http):
    stand = Stand(store, tmp_path, http, LEVERAGE)
    begun = time.monotonic()
    asyncio.run(stand.second(9))
    assert len(http.accepted) == 1
    assert time.monotonic() - begun < 5.0


def test_a_route_that_names_nothing_known_is_dead_and_said(store, tmp_path, http):
    stand = Stand(store, tmp_path, http, LEVERAGE)
    stand.service.routes.append(replace(stand.routes[0], name="gone"))
    asyncio.run(stand.second(9))
    assert any("there is no channel 'gone'" in one for one in stand.said)
