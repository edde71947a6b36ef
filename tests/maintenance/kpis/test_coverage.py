"""How often intervals hold what is true, at simulated plants whose rates are known."""

import numpy as np
import pytest

from tests.known_plants import coverages


def test_intervals_hold_the_truth_at_a_few_plants():
    """Within what chance allows of 60 plants: five standard errors of a share of 0.9 are 0.19."""
    shares = coverages(60, seed=1)
    assert len(shares) == 8
    assert shares.min() > 0.9 - 5 * np.sqrt(0.9 * 0.1 / 60)


@pytest.mark.long
def test_intervals_hold_the_truth_nine_times_of_ten_at_400_plants():
    shares = coverages(400, seed=0)
    assert shares.between(0.87, 0.93).all(), shares.to_string()
