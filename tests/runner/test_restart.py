"""A session that is killed goes on where it stood: no order is lost, doubled or orphaned, and its journal replays as one."""

from tests.runner.crashes import Crashes, broken

KILLS = 5


def test_a_session_killed_at_random_instants_loses_nothing(tmp_path, warm):
    with Crashes(tmp_path) as stand:
        for _ in range(KILLS):
            stand.kill()
        facts = stand.last_life()
        assert (facts["halt"], facts["live_orders"], facts["not_certainly_cancelled"]) == (None, 0, []), stand.said()
        found = stand.check()
        assert not broken(found), (found, stand.said())
        assert found["orders"] > KILLS
        assert found["fills"] > 0
