"""A drill of the kill switch is a kill that was completed and taken off by a person; one that was signed off is none."""

from b25.runner.kill_drill import last_drill_ns
from b25.runner.kill_latch import Trigger, confirmation, pull, rearm, write_report


def drill(folder, complete):
    latch = pull(folder, by="ann", reason="drill", trigger=Trigger.COMMAND)
    write_report(folder, {"kill_id": latch.kill_id, "is_complete": complete})
    rearm(folder, by="ann", reason="a drill of the switch", typed=confirmation(latch), signed_off=not complete)


def test_only_a_complete_kill_counts(tmp_path):
    assert last_drill_ns(tmp_path) == 0
    drill(tmp_path, complete=False)
    assert last_drill_ns(tmp_path) == 0
    drill(tmp_path, complete=True)
    first = last_drill_ns(tmp_path)
    assert first > 0
    drill(tmp_path, complete=False)
    assert last_drill_ns(tmp_path) == first
    drill(tmp_path, complete=True)
    assert last_drill_ns(tmp_path) > first
