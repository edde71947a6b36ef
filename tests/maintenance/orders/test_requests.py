"""Requests: what people report is no order until somebody accepts it."""

import pytest

from tests.maintenance.orders.test_attachments import PDF, photo
from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.register.items import CatalogItem


@pytest.fixture
def desk(url, clock, tmp_path):
    with Maintenance(url, clock, files=tmp_path, catalog=lambda: map(CatalogItem, ("SMAP", "MSL"))) as opened:
        yield opened


def test_a_request_becomes_an_order_with_its_photos(desk, clock):
    made = desk.requests.report("SMAP", "Oil below the pump\nsince Monday", reporter="Uma", photos=[("x.jpg", photo())])
    assert (made.number, made.state) == ("RQ-1", "new")
    assert len(desk.orders.list(state=None)) == 0
    clock.forward(hours=1)
    order = desk.requests.accept("rq-1", "Ann", priority="high")
    assert (order.title, order.asset, order.priority.name) == ("Oil below the pump", "SMAP", "high")
    assert order.description.splitlines() == [
        "Oil below the pump",
        "since Monday",
        "Reported by Uma, 2026-03-02 08:00 UTC (RQ-1)",
    ]
    assert order.attachments[0]["name"] == "x.jpg"
    assert desk.requests.list().empty
    decided = desk.requests.list(None).iloc[0]
    assert (decided["state"], decided["order"], decided["decided_by"], decided["photos"]) == (
        "accepted",
        "WO-1",
        "Ann",
        1,
    )
    with pytest.raises(TransitionError, match="RQ-1 is accepted already as WO-1"):
        desk.requests.reject(1, "twice", "Ann")
    assert desk.verify_log().ok


def test_a_request_joins_an_order_of_its_asset(desk):
    desk.requests.report("SMAP", "Oil below the pump", photos=[("x.jpg", photo())])
    desk.requests.report("SMAP", "It leaks", reporter="Uma", photos=[("y.jpg", photo())])
    elsewhere = desk.orders.new("Ann", asset="MSL", type="inspection", title="Look", hours=1)
    number = desk.requests.accept(1, "Ann").number
    with pytest.raises(MaintenanceError, match="RQ-2 is on SMAP and WO-1 on MSL"):
        desk.requests.join(2, elsewhere.number, "Ann")
    assert desk.requests.get(2).state == "new"
    joined = desk.requests.join(2, number, "Ann")
    assert joined.description.splitlines()[-2:] == ["It leaks", "Reported by Uma, 2026-03-02 08:00 UTC (RQ-2)"]
    assert len(joined.attachments) == 1, "it is the same photo"
    assert (desk.requests.get(2).state, desk.requests.get(2).order) == ("accepted", number)
    desk.requests.report("SMAP", "Later")
    desk.orders.cancel(number, "no", "Ann")
    with pytest.raises(TransitionError, match=f"{number} is cancelled"):
        desk.requests.join(3, number, "Ann")
    assert desk.verify_log().ok


def test_a_request_is_rejected_with_a_reason(desk):
    desk.requests.report("MSL", "It hums")
    with pytest.raises(MaintenanceError, match="The reason is empty"):
        desk.requests.reject(1, " ", "Ann")
    assert desk.requests.reject(1, "It always hums", "Ann").reason == "It always hums"
    with pytest.raises(TransitionError, match="RQ-1 is rejected already"):
        desk.requests.accept(1, "Ann")
    assert len(desk.orders.list(state=None)) == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"asset": "Nowhere"}, "There is no asset 'Nowhere'"),
        ({"problem": " \x00\n"}, "The problem is empty"),
        ({"problem": "x" * 2001}, "The problem has 2,001 letters"),
        ({"reporter": "x" * 101}, "The name has 101 letters"),
        ({"photos": [("x.pdf", PDF)] * 6}, "6 photos are too many"),
        ({"photos": [("x.jpg", b"<script>")]}, "neither a photo"),
    ],
)
def test_what_cannot_be_a_request_leaves_nothing(desk, values, words):
    with pytest.raises(MaintenanceError, match=words):
        desk.requests.report(**{"asset": "SMAP", "problem": "It leaks", **values})
    assert desk.requests.list(None).empty


def test_signs_that_nobody_sees_are_left_out(desk):
    made = desk.requests.report("SMAP", "It\x00 leaks\x1b[31m\u202e!", reporter="U\x00ma\n")
    assert (made.problem, made.reporter) == ("It leaks[31m!", "Uma")
