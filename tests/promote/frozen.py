"""A frozen version whose proof is not run, sessions of it as their journals tell, and all else that a gate asks for."""

import json

import numpy as np

from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.model.event import EVENT, ORDER_FILLED
from b25.promote.gate import EVERYBODY, RESEARCHER, RISK, TRADER
from b25.promote.moves import Promotions, Wanted
from b25.promote.record import Actor
from b25.promote.states import State
from b25.promote.version import SOURCE, freeze
from b25.store.drift_notes import add_drift_note
from b25.store.journal import Journal
from b25.store.notification_queue import NotificationQueue
from b25.store.people import Person, add_person
from b25.store.promotion_pointers import add_run

TEXT = b"""import b25

class Mine(b25.Strategy):
    quantity: float = b25.param(0.01, gt=0)

    def on_book(self, ctx):
        pass
"""
HOUR_NS = 3_600 * 10**9
NOW_NS = 1_800_000_000 * 10**9
PROOF = {"divergence": None, "vacuous": [], "controls": {"fee": "it failed"}, "counts": {"orders": 40}, "stream_sha256": "0"}
LIMITS = {
    "account": {
        "order_value_max": 5_000.0, "position_max": 1.0, "daily_loss_max": 500.0, "drawdown_max": 0.1, "orders_per_s_max": 20,
        "collar": 0.02, "data_age_max_s": 10.0,
    }
}  # fmt: skip


def person(name, *roles, proven=True):
    return Actor(name, frozenset(roles), is_proven=proven)


OWNER = Actor("ann", EVERYBODY)
AUTHOR, TIM, ROSE = person("ann", RESEARCHER, TRADER, RISK), person("tim", TRADER), person("rose", RISK)
STEPS = {"validated": AUTHOR, "observe": TIM, "paper": TIM, "canary": ROSE, "live": ROSE}


def to(state, **more):
    return Wanted(to=State(state), reason=more.pop("reason", "as agreed"), **more)


def enrol(store, *names):
    """People of an installation, so that nobody works alone."""
    facts = {"email": None, "password": "x", "roles": (), "accounts": None, "totp": None, "totp_next": None, "totp_step": 0}
    for name in names:
        with store.writing():
            add_person(store, Person(name=name, **facts, made_ns=1, password_ns=1, disabled_ns=None, version=1))


class Bench:
    """States of versions below a folder, with a clock that stands still until it is moved."""

    def __init__(self, store, folder):
        self.store, self.folder, self.now, self.drill = store, folder, NOW_NS, 0
        self.promotions = Promotions(
            store, folder / "live", folder / "secrets", now_ns=lambda: self.now, drill_ns=lambda: self.drill
        )

    def freeze(self, text=TEXT, proof=PROOF, by="ann", **facts):
        held = {
            "class": "Mine", "content_id": f"c0ffee{len(text)}", "parameters": {}, "created": {"by": by, "at_ns": NOW_NS},
            "evidence": {"counts": {"orders": 40}, "controls": {}},
        }  # fmt: skip
        files = {SOURCE: text, "proof.json": json.dumps(proof).encode(), "bias.json": b'{"ok": true, "findings": []}'}
        return freeze(self.folder / "live", "mine", files, held | facts, self.folder / "secrets")

    def limit(self, value=LIMITS, key="default/default/default/limits"):
        desk = Configurations(self.store)
        desk.create(key, "risk_limit", value, Author("ann"))
        desk.activate(key, Author("ann"))

    def ran(self, version, mode, *, hours=1.0, fills=0, halt=None, ends=True, name="", as_promoted=True, fee_e8=0, content=None):
        """A session of a version that began when the clock stands, and moves the clock to its end."""
        name = name or f"{mode}-{(self.now - NOW_NS) // 10**6:x}"
        path = self.folder / "sessions" / f"{name}.journal"
        facts = {"content_id": content or version.content_id, "as_promoted": as_promoted}
        rows = np.zeros(int(hours * 60) + 1, EVENT)
        rows["local_ns"] = self.now + np.arange(rows.size) * 60 * 10**9
        rows["kind"][:fills], rows["price_ticks"], rows["qty_lots"], rows["amount"] = ORDER_FILLED, 100, 10, fee_e8
        journal = Journal(path, {"session": name, "mode": mode, "more": {"version": facts}})
        for row in rows:
            journal.events(row.reshape(1))
        if ends:
            journal.end({"why": "SIGTERM", "halt": halt})
        journal.close()
        manifest = version.manifest
        add_run(
            self.store, manifest["name"], manifest["version"], content_id=version.content_id, session=name, mode=mode,
            account="", journal=str(path), now_ns=self.now,
        )  # fmt: skip
        self.now = int(rows["local_ns"][-1]) + 60 * 10**9
        return path

    def fulfil(self, version, state):
        """Give a version what the step to a state needs."""
        if state == "observe" and not Configurations(self.store).active("risk_limit"):
            self.limit()
        elif state == "paper":
            self.ran(version, "observe", hours=2)
        elif state == "canary":
            self.ran(version, "paper", hours=24, fills=30)
            self.drifted(version)
            self.tested()
        elif state == "live":
            self.ran(version, "live", hours=24, fills=30, fee_e8=10**7)

    def climb(self, version, last="live", by=None):
        """Move a version up, step by step, with what each needs."""
        for state in STEPS:
            self.fulfil(version, state)
            came = self.promotions.move(version.reference, to(state), by or STEPS[state])
            if came.request is not None:  # who works alone thinks for a minute
                self.now += 61 * 10**9
                self.promotions.move(version.reference, to(state, typed=f"{version.reference} to {state}"), by or STEPS[state])
            if state == last:
                break
        return version

    def tested(self):
        """A drill of the kill switch, and an alert that reached somebody."""
        self.drill = self.now
        queue = NotificationQueue(self.store)
        row = {"notification_id": f"test/{self.now}", "channel": "mail", "title": "t", "body": "b", "created_ns": self.now}
        with self.store.writing():
            queue.add(row)
        (claimed,) = queue.claim("me", self.now, 10**9, 1)
        queue.finish(claimed["notification_id"], "me", status="sent", next_ns=0, now_ns=self.now)

    def drifted(self, version, state="none"):
        manifest = version.manifest
        add_drift_note(self.store, manifest["name"], manifest["version"], "s", at_ns=self.now, state=state, detail={})
