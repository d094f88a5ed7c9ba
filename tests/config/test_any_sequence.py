"""Any sequence of writes by people who read at different times: the store is as a plain model says, and history only grows."""

import itertools
import tempfile

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.config.refusals import Duplicate, NotFound, Refused, VersionConflict
from b25.store import configurations as kept
from b25.store.audit import audit_length, verify_audit
from b25.store.store import open_store

KEY = "default/a/default/flag"
WHO = st.sampled_from(["ann", "bob"])


def flag(number):
    return {"name": "x", "enabled": number % 2 == 0, "description": str(number)}


class Writers(RuleBasedStateMachine):
    """`read` is the version that each of two people has in front of him."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"sqlite:///{self.folder.name}/c.db", readers=2)
        clock = itertools.count(1)
        self.real = Configurations(self.store, now_ns=lambda: next(clock))
        self.values, self.active, self.deleted, self.held = [], None, True, set()
        self.read = {"ann": 0, "bob": 0}
        self.done = 0

    def teardown(self):
        if hasattr(self, "store"):
            assert verify_audit(self.store) == ""
            self.store.close()
            self.folder.cleanup()

    def refused(self, kind, act):
        try:
            act()
        except kind:
            return
        raise AssertionError(f"it was not refused by {kind}")

    @rule(who=WHO)
    def look(self, who):
        self.read[who] = len(self.values)

    @rule(who=WHO, number=st.integers(0, 99))
    def create(self, who, number):
        def act():
            return self.real.create(KEY, "feature_flag", flag(number), Author(who))

        if self.deleted:
            assert act().version.number == len(self.values) + 1
            self.values.append(flag(number))
            self.deleted = False
            self.done += 1
        else:
            self.refused(Duplicate, act)

    @rule(who=WHO, number=st.integers(0, 99))
    def update(self, who, number):
        def act():
            return self.real.update(KEY, self.read[who], flag(number), Author(who))

        if self.deleted:
            self.refused(NotFound, act)
        elif self.read[who] != len(self.values):
            self.refused(VersionConflict, act)
        else:
            assert act().version.number == len(self.values) + 1
            self.values.append(flag(number))
            self.done += 1

    @precondition(lambda self: self.values)
    @rule(who=WHO, back=st.integers(0, 3))
    def activate(self, who, back):
        number = max(1, len(self.values) - back)

        def act():
            return self.real.activate(KEY, Author(who), version=number)

        if self.deleted or number in self.held:
            self.refused(Refused, act)
        else:
            assert act().head.active_version == number
            self.active = number
            self.held.add(number)
            self.done += 1

    @precondition(lambda self: self.values)
    @rule(who=WHO, back=st.integers(0, 3))
    def roll_back(self, who, back):
        number = max(1, len(self.values) - back)

        def act():
            return self.real.rollback(KEY, number, Author(who), reason="it was better")

        if self.deleted:
            self.refused(NotFound, act)
            return
        came = act()
        self.values.append(self.values[number - 1])
        self.done += 1
        if self.held:
            self.active = len(self.values)
            self.held.add(self.active)
            self.done += 1
        assert (came.version.of_version, came.head.active_version) == (number, self.active)

    @rule(who=WHO, is_end=st.booleans())
    def end(self, who, is_end):
        def act():
            return (self.real.delete if is_end else self.real.deactivate)(KEY, Author(who))

        if self.deleted or (not is_end and self.active is None):
            self.refused(Refused, act)
            return
        act()
        self.active, self.deleted = None, is_end
        self.done += 1

    @invariant()
    def the_store_is_as_the_model_says(self):
        if not getattr(self, "values", None):
            return
        head = self.real.head(KEY)
        assert (head.version, head.active_version, head.deleted_ns is not None) == (len(self.values), self.active, self.deleted)
        state = "ACTIVE" if self.active else "ARCHIVED" if self.held and not self.deleted else head.state
        assert head.state == state
        found, total = kept.versions(self.store, head.id, limit=500)
        assert [one.value for one in reversed(found)] == self.values
        assert total == len(self.values)
        assert [one.seq for one in self.real.changed_after(0)] == list(range(1, self.done + 1))
        assert audit_length(self.store) == self.done
        expected = [] if self.active is None else [self.values[self.active - 1]]
        assert [orjson.loads(one.version.text) for one in self.real.active("feature_flag")] == expected


Writers.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestWriters = Writers.TestCase
