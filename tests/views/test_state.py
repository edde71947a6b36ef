import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.exceptions import ViewError
from workbench.views.state import Selected, Selection, State, axis_time, time_text

TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=60)
OWN = st.dictionaries(st.from_regex(r"own_[a-z0-9_]{0,9}", fullmatch=True), TEXTS.filter(str.isprintable), max_size=6)


@given(OWN, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_state_comes_back_from_its_address(own, first, length):
    stamp = State({"view": "x", "anomaly": pd.Timestamp(first * 10**9 + length, tz="UTC")})
    assert State.parse(f"?{stamp.query()}") == stamp
    state = State({"view": "x", **own, "from": first, "to": first + length, "anomaly": first})
    assert State.parse(f"?{state.query()}") == state
    assert hash(State.parse(state.query())) == hash(state)


@given(st.text(max_size=300))
def test_whatever_stands_in_an_address_gives_a_state_or_one_clear_error(query):
    try:
        state = State.parse(query)
    except ViewError:
        return
    assert State.parse(state.query()) == state


def test_what_is_empty_is_left_out():
    assert dict(State({"view": "a", "channel": "", "from": None, "to": 3})) == {"view": "a", "to": "3"}


def test_the_first_of_two_equal_keys_holds():
    assert State.parse("view=a&view=b")["view"] == "a"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"View": "a"}, "key 'View' is malformed"),
        ({"channel": "x" * 401}, "channel is too long or not text"),
        ({"channel": "a\x00b"}, "channel is too long or not text"),
        ({"anomaly": "first"}, "anomaly is 'first'"),
        ({"from": "yesterday", "to": "5"}, "'yesterday' is not a time"),
        ({"to": "soon"}, "'soon' is not a time"),
        ({"from": "10", "to": "5"}, "from .10. lies after to .5."),
        ({f"k{i}": "x" for i in range(33)}, "has 33 keys"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(ViewError, match=message):
        State(values)


def test_a_value_can_be_replaced_and_taken_away():
    state = State({"view": "a", "from": "5", "channel": "P-1"}).with_values(from_=None, channel="T-2")
    assert dict(state) == {"view": "a", "channel": "T-2"}


@given(st.datetimes(pd.Timestamp("1975-01-01"), pd.Timestamp("2100-01-01")))
def test_a_stamped_time_keeps_its_milliseconds(stamp):
    time = float(np.datetime64(stamp, "ms").astype(np.int64))
    assert axis_time(time_text(time, dated=True)) == time


def test_a_time_with_a_zone_is_taken_to_utc():
    assert axis_time("2026-01-01T02:00:00+02:00") == axis_time("2026-01-01T00:00:00") == axis_time("2026-01-01")


def test_who_observes_is_told_of_each_change_once_and_who_made_it_is_not():
    told, mine = [], []
    selection = Selection()
    selection.observe(told.append)
    selection.observe(mine.append)
    chosen = Selected("SMAP", "P-1", 5)
    selection.choose(chosen, by=mine.append)
    selection.choose(Selected("SMAP", "P-1", 5))
    assert (selection.now, told, mine) == (chosen, [chosen], [])
    selection.unobserve(told.append)
    selection.unobserve(told.append)
    selection.choose(Selected())
    assert told == [chosen]
