"""The latest samples that are held: the same answers as from a dict of all of them, however they come."""

import numpy as np

from workbench.live.recent import HELD_SAMPLES, Recent, Stored


def test_it_answers_as_a_dict_that_lets_go_of_the_oldest() -> None:
    random = np.random.default_rng(3)
    recent, plain = Recent(), dict[int, Stored]()
    for number in range(6 * HELD_SAMPLES):
        moment = 10 * number - int(random.integers(0, 2)) * int(random.integers(0, 500))
        value, inputs = float(random.normal()), bytes([int(random.integers(0, 3))]) if number > 900 else None
        recent.remember(moment, value, inputs)
        plain[moment] = value, inputs
        if len(plain) > 2 * HELD_SAMPLES:
            plain = {one: plain[one] for one in sorted(plain)[-HELD_SAMPLES:]}
    assert dict(recent.items()) == plain
    assert list(recent) == sorted(plain)
    assert all(recent.get(moment) == plain.get(moment) for moment in range(recent.begin, 60 * HELD_SAMPLES))


def test_those_of_a_stored_series_are_its_last() -> None:
    moments = np.arange(5_000) * 7
    values, inputs = moments.astype(np.float32) / 3, np.stack([moments % 2, moments % 3], axis=1).astype(np.int8)
    recent = Recent.of(moments, values, inputs)
    assert (len(recent), recent.begin) == (HELD_SAMPLES, 7 * (5_000 - HELD_SAMPLES))
    assert recent.get(7 * 4_999) == (float(values[-1]), np.array([4_999 * 7 % 2, 4_999 * 7 % 3], "<f4").tobytes())
    assert recent.get(7 * 4_999 - 1) is None
    recent.remember(7 * 5_000, 1.5, None)
    assert recent.get(7 * 5_000) == (1.5, None)
