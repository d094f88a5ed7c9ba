"""The states of a version: any sequence of moves keeps what must always hold."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.promote.states import LADDER, LOWEST, Refused, Standing, State, standing_after

MOVES = st.lists(st.sampled_from(list(State)), max_size=30)


def walk(wanted):
    """Standings that a sequence of wishes leads through; what is refused changes nothing."""
    found = [Standing()]
    for to in wanted:
        try:
            found.append(found[-1].next(to))
        except Refused:
            continue
    return found


@given(MOVES)
def test_it_only_climbs_and_what_is_retired_stays_so(wanted):
    found = walk(wanted)
    heights = [LADDER.index(one.state) for one in found if one.state in LADDER]
    assert heights == sorted(heights)
    if State.RETIRED in [one.state for one in found]:
        assert found[-1].state is State.RETIRED
        assert [one.state for one in found].count(State.RETIRED) == 1


@given(MOVES)
def test_a_pause_remembers_where_it_was_and_leads_back_there_only(wanted):
    for one in walk(wanted):
        assert (one.before is not None) == (one.state is State.PAUSED)
        if one.state is State.PAUSED:
            assert one.next(one.before) == Standing(one.before)
            for other in set(LADDER) - {one.before}:
                with pytest.raises(Refused, match="paused"):
                    one.next(other)


@given(MOVES, st.sampled_from(sorted(LOWEST)))
def test_it_runs_in_a_mode_from_the_lowest_state_up_and_never_while_it_is_paused(wanted, mode):
    one = walk(wanted)[-1]
    may = one.state in LADDER and LADDER.index(one.state) >= LADDER.index(LOWEST[mode])
    assert (one.why_not(mode) == "") is may


@given(MOVES)
def test_a_record_of_moves_leads_to_the_same_place_and_a_gap_in_it_is_seen(wanted):
    found = walk(wanted)
    moves = [(str(a.state), str(b.state)) for a, b in pairwise(found)]
    assert standing_after(moves) == found[-1]
    if len(moves) > 1 and moves[0][1] != "draft":
        with pytest.raises(Refused, match=r"move 1 begins at"):
            standing_after(moves[1:])


@given(st.sampled_from(LADDER), st.sampled_from(LADDER))
def test_steps_are_those_in_between(begins, ends):
    if LADDER.index(ends) <= LADDER.index(begins):
        with pytest.raises(Refused):
            Standing(begins).steps(ends)
        return
    steps = Standing(begins).steps(ends)
    assert (steps[0][0], steps[-1][1]) == (begins, ends)
    assert all(LADDER.index(b) == LADDER.index(a) + 1 for a, b in steps)
    assert Standing(begins).steps(State.PAUSED) == ()
