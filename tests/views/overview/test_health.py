"""The panel of the fleet's health: whole for a small fleet, what is abnormal of a large one; counts by hand."""

import json
import re
from html import unescape
from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.exceptions import ViewError
from workbench.telemetry.catalog import Asset, Catalog
from workbench.views.overview.health import HealthFilters, health_markup
from workbench.views.overview.markup import head_markup

CATALOG = Catalog(assets={"S1": Asset(name="Satellite 1", subsystems={"P": "Power", "T": "Thermal"})})


def picture(alerts, *, channels=200, damaged=()):
    """Three assets with channels in turn, those of each in turn in four subsystems; `alerts` is the level by number."""
    rows = [
        {
            "channel": f"Ch-{number}",
            "asset": f"S{number % 3 + 1}",
            "subsystem": "PTAC"[number // 3 % 4],
            "state": "damaged" if number in damaged else "current",
            "reason": "torn" if number in damaged else "",
            "alerts": 2 if number in alerts else 0,
            "worst": alerts.get(number, ""),
        }
        for number in range(channels)
    ]
    return SimpleNamespace(fleet=pd.DataFrame(rows), health=pd.Series({"S1": 97.0, "S2": 100.0, "S3": 100.0}))


def cells(html):
    return [json.loads(unescape(pick))[2] for pick in re.findall(r'wb-cell [^>]*?data-pick="([^"]+)"', html)]


def lines(html):
    return {
        unescape(pick): (opened, re.sub(r"<[^>]*>", "", words))
        for pick, opened, words in re.findall(
            r'wb-fold [^>]*data-pick="([^"]+)" aria-expanded="(\w+)">(.*?)</button>', html
        )
    }


def test_the_headline_counts_channels_and_neither_sources_nor_assets():
    """As many as the panel marks: the alert of a broker that is gone, or of a whole asset, is none of a channel."""
    shown = picture({3: "high", 4: "low"}, channels=15)
    names = ["mqtt", "S1", "Ch-3", "Ch-3", "Ch-4"]
    kinds = ["silence", "asset", "model", "model", "model"]
    shown.alerts = pd.DataFrame({"channel": names, "kind": kinds, "level": ["high", "high", "high", "low", "low"]})
    words = re.sub(r"<[^>]*>", "", head_markup(shown, CATALOG))
    (count,) = re.findall(r"(\d+) of 15 channels with open alerts\. Do first: mqtt, high\.", words)
    assert count == "2"


def test_a_small_fleet_is_shown_whole():
    html = health_markup(picture({}, channels=120), CATALOG)
    assert len(cells(html)) == 120
    assert lines(html) == {}


def test_short_names_of_subsystems_leave_their_room_to_the_channels():
    assert "wb-short" not in health_markup(picture({}, channels=120), CATALOG)
    assert "wb-short" in health_markup(picture({}, channels=120), Catalog())


def test_of_a_large_fleet_only_what_is_abnormal_has_a_cell():
    html = health_markup(picture({3: "high", 12: "critical", 4: "low"}), CATALOG)
    assert cells(html) == ["Ch-12", "Ch-3", "Ch-4"]  # asset by asset, the worst first
    shown = lines(html)
    # 67 channels of S1 (0, 3, ..., 198): Ch-3 is the second of them, in T; Ch-12 the fifth, in P; 17 + 16 of 34 others
    assert shown['fold ["S1", "P"]'] == ("false", "▸16 without alerts")
    assert shown['fold ["S1", "T"]'] == ("false", "▸16 without alerts")
    assert shown['fold ["S1"]'] == ("false", "▸2 subsystems without alerts, 33 channels")
    assert shown['fold ["S3"]'] == ("false", "▸S3 health 100, 66 channels")
    assert html.index("Satellite 1") < html.index("[&quot;S2&quot;, &quot;T&quot;]") < html.index("S3 <span")


def test_a_line_opens_and_closes():
    alone = HealthFilters().turned('fold ["S3"]')
    html = health_markup(picture({3: "high"}), CATALOG, alone)
    assert lines(html)['fold ["S3"]'][0] == "true"
    assert lines(html)['fold ["S3", "A"]'] == ("false", "▸16 without alerts")
    assert cells(html) == ["Ch-3"]
    both = alone.turned('fold ["S3", "A"]')
    html = health_markup(picture({3: "high"}), CATALOG, both)
    assert cells(html) == ["Ch-3", *(f"Ch-{number}" for number in range(8, 200, 12))]
    assert both.turned('fold ["S3", "A"]') == alone
    assert alone.turned('fold ["S3"]') == HealthFilters()


def test_channels_are_found_by_their_name_and_by_their_place():
    found = health_markup(picture({3: "high"}), CATALOG, HealthFilters(find="ch-19"))
    assert sorted(cells(found)) == sorted(["Ch-19", *(f"Ch-{number}" for number in range(190, 200))])
    thermal = health_markup(picture({3: "high"}), CATALOG, HealthFilters(find="THERM"))
    assert cells(thermal) == [f"Ch-{number}" for number in range(3, 200, 12)]
    assert "No channels match" in health_markup(picture({}), CATALOG, HealthFilters(find="pump"))
    assert cells(health_markup(picture({3: "high", 5: "low"}), CATALOG, HealthFilters(only="alerts"))) == [
        "Ch-3",
        "Ch-5",
    ]


def test_damage_is_abnormal_and_many_alerts_are_counted():
    many = dict.fromkeys(range(0, 1200, 12), "low")  # the 100 channels of power of S1
    html = health_markup(picture(many, channels=1200, damaged=[1]), CATALOG)
    assert len(cells(html)) == 24 + 1
    assert "Ch-1" in cells(html)
    assert lines(html)['fold ["S1", "P"]'] == ("false", "▸76 more with alerts")
    assert len(cells(health_markup(picture(many, channels=1200), CATALOG, HealthFilters(open='["S1","P"]')))) == 100


def test_a_channel_that_is_not_scored_shows_its_alerts():
    unscored = picture({3: "critical"}, channels=6)
    unscored.fleet["state"] = "missing"
    (cell,) = re.findall(r'wb-cell critical"[^>]*title="([^"]+)"', health_markup(unscored, CATALOG))
    assert cell == "Ch-3: 2 open alerts, worst critical, not scored"


def test_the_panel_grows_with_what_is_wrong_and_not_with_the_fleet():
    small, large = (len(health_markup(picture({3: "high"}, channels=count), CATALOG)) for count in (200, 6000))
    assert large < 1.1 * small


def test_a_link_that_opens_nothing_is_refused():
    assert HealthFilters.of({"open": '["S1","P"]'}).opened == ("S1", "P")
    for wrong in ({"only": "faults"}, {"open": "S1"}, {"open": "[1]"}, {"open": '["a","b","c"]'}):
        with pytest.raises(ViewError):
            HealthFilters.of(wrong)
