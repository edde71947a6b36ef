"""A known event of a channel that moves its asset as a whole."""

import json

import pytest

from workbench.maintenance.alerts.known.recognising import Recogniser
from workbench.maintenance.alerts.known.table import KnownMatch

MATCH = KnownMatch(3, "Drift between two calibrations", 0.2, 0.5, "high", "P-1 left its forecast")


@pytest.fixture
def of_asset(finding):
    shares = json.dumps([["P-1", 0.7], ["P-2", 0.2]])
    return finding(
        channel="SMAP", kind="asset", level="critical", message="SMAP left normal operation.", contributions=shares,
        start_sample=100, end_sample=140, ongoing=False,
    )  # fmt: skip


def recognised(of_asset, *of_channels):
    (found,) = Recogniser({}).recognise_assets([of_asset], of_channels)
    return found


def test_an_asset_that_is_moved_by_a_known_event_alone_is_told_so_at_the_lowest_level(of_asset, finding):
    found = recognised(of_asset, finding(known=MATCH, level="info", end_sample=130))
    assert (found.level, found.judged_level, found.known.event) == ("info", "critical", 3)
    assert found.message == (
        "Known event: Drift between two calibrations, distance 0.20 of bound 0.50. SMAP left normal operation."
    )
    assert found.known.message == "SMAP left normal operation."


@pytest.mark.parametrize(
    "beside",
    [
        [],
        [{}],  # what the channel shows is no known event
        [{"known": MATCH, "end_sample": 115}],  # which covers less than half of the time
        [{"known": MATCH, "start_sample": 300, "end_sample": 340}],  # at another time
        [{"known": MATCH, "asset": "MSL", "end_sample": 140}],
        [{"known": MATCH, "channel": "P-2", "end_sample": 140}],  # another channel contributes most
        [{"known": MATCH, "end_sample": 140}, {"channel": "P-2", "start_sample": 135, "end_sample": 150}],
        [{"known": MATCH, "end_sample": 140}, {"kind": "limit", "channel": "P-2"}],
    ],
)
def test_an_asset_with_anything_beside_a_known_event_keeps_its_level(of_asset, finding, beside):
    assert recognised(of_asset, *(finding(**one) for one in beside)) == of_asset


def test_an_asset_that_still_moves_keeps_its_level(finding, of_asset):
    running = finding(**{**vars(of_asset), "ongoing": True})
    assert recognised(running, finding(known=MATCH, end_sample=140)) == running
