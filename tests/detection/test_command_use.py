"""Which commands were active inside a sequence."""

import numpy as np
import pytest
import xarray as xr

from workbench.detection.command_use import command_use, command_words
from workbench.telemetry.schema import make_channel


def switched(*commands: list[int]) -> xr.Dataset:
    given = np.array(commands).T if commands else np.zeros((10, 0))
    return make_channel(np.zeros(10), given, channel="X-1", asset="X")


def test_the_most_distinctive_comes_first_with_its_shares() -> None:
    channel = switched(
        [0, 1, 0, 1, 0, 1, 0, 1, 0, 1],  # as often inside as outside
        [0, 0, 0, 0, 1, 1, 1, 0, 0, 1],
        [1, 1, 1, 1, 0, 0, 0, 1, 1, 1],  # always on but inside
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],  # never inside, seldom outside
        [1] * 10,  # never changes
    )
    table = command_use(channel, 4, 6)
    assert table["command"].tolist() == ["command 2", "command 1", "command 0"]
    assert table["inside"].tolist() == pytest.approx([0, 1, 1 / 3])
    assert table["rest"].tolist() == pytest.approx([1, 1 / 7, 4 / 7])
    assert command_use(channel, 4, 6, most=1)["command"].tolist() == ["command 2"]
    assert command_words(channel, 4, 6) == (
        "command 2 on in 0 % (rest 100 %), command 1 on in 100 % (rest 14 %), command 0 on in 33 % (rest 57 %)"
    )


def test_shares_equal_counting_by_hand() -> None:
    random = np.random.default_rng(0)
    given = random.integers(0, 2, (10, 4))
    channel = make_channel(np.zeros(10), given, channel="X-1", asset="X")
    for start, end in ((0, 0), (3, 7), (9, 9), (0, 8)):
        for name, inside, rest in command_use(channel, start, end).itertuples(index=False):
            column = given[:, int(name.split()[1])].tolist()
            within = column[start : end + 1]
            without = column[:start] + column[end + 1 :]
            assert (inside, rest) == pytest.approx((sum(within) / len(within), sum(without) / len(without)))


def test_words_where_there_is_nothing_to_name() -> None:
    assert command_words(switched(), 2, 4) == "the channel has no commands"
    assert command_words(switched([0] * 9 + [1]), 2, 4) == "no command on"
    assert command_words(switched([0] * 9 + [1]), 0, 9) == "no command on"  # no rest to compare with
    assert command_use(switched(), 2, 4).empty


def test_inputs_that_are_no_switches_are_told_by_their_mean() -> None:
    speed = np.r_[np.full(5, 1.5), np.full(5, 3.0)].astype(np.float32)
    channel = make_channel(np.zeros(10), speed[:, None], command_names=["speed"], channel="X-1", asset="X")
    assert command_words(channel, 5, 9) == "speed 3 (rest 1.5)"
    assert command_words(channel.isel(time=slice(0, 5)), 1, 2) == "no input differs"
