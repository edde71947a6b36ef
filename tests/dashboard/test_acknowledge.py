"""The page behind the link of a message: opening it changes nothing, its button acknowledges for its person."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.test_acknowledge import finding
from workbench.dashboard.acknowledge import Acknowledgements
from workbench.dashboard.link_door import LinkDoor
from workbench.dashboard.link_pages import LinkPages, LinkRequest
from workbench.session import Session
from workbench.settings import load_settings


class Clock:
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def session(tmp_path, clock):
    settings = load_settings(tmp_path, home=tmp_path, dashboard={"public_url": "https://wb.example"})
    with Session(settings, clock) as opened:
        opened.maintenance.alerts.raise_findings([], [finding()])
        yield opened


@pytest.fixture
def answers(session):
    door = LinkDoor(lambda: session)
    yield Acknowledgements(door)
    door.close()


def token(session, person="Ann", alert=1):
    alert = session.maintenance.alerts.get(alert)
    return session.maintenance.links.url(alert.id, person, alert.annunciated_at, session.clock()).rpartition("/")[2]


def test_looking_changes_nothing_and_the_button_acknowledges_once(answers, session):
    made, later = token(session), token(session, "Ben")
    for _ in range(3):
        page = answers.answer(made, "::1", pressed=False)
        assert (page.status, page.person, page.symbol, page.announced) == (200, "Ann", "◆", "2026-03-02 08:00 UTC")
    assert session.maintenance.alerts.get(1).state == "unacknowledged"
    assert answers.answer(made, "::1", pressed=True).words == "Acknowledged by Ann, 2026-03-02 08:00 UTC."
    page = answers.answer(later, "::1", pressed=True)
    assert (page.words, page.person) == ("Acknowledged by Ann, 2026-03-02 08:00 UTC.", "")
    assert session.maintenance.alerts.history(1)["action"].tolist() == ["raised", "acknowledged"]


def test_a_link_is_of_one_announcement(answers, session, clock):
    made = token(session)
    clock.now += timedelta(minutes=5)
    session.maintenance.alerts.acknowledge(1, "Ben")
    session.maintenance.alerts.raise_findings([("Pressure", "model")], [])
    session.maintenance.alerts.raise_findings([], [finding()])  # it came back: nobody has seen that
    page = answers.answer(made, "::1", pressed=True)
    assert (page.status, page.alert) == (410, None)
    assert "announced again since this message, on 2026-03-02 08:05 UTC" in page.words
    assert session.maintenance.alerts.get(1).acknowledged is False


def test_a_link_has_an_end(answers, session, clock):
    made = token(session)
    clock.now += timedelta(hours=24)
    page = answers.answer(made, "::1", pressed=True)
    assert (page.status, page.words) == (
        410,
        "This link has expired. Use the link of a newer message, or the dashboard.",
    )
    assert session.maintenance.alerts.get(1).state == "unacknowledged"


def test_what_is_hidden_or_closed_is_said(answers, session):
    made = token(session)
    session.maintenance.outages.start("Pump-1", "Eve", "cleaning")
    assert "its asset is out of service" in answers.answer(made, "::1", pressed=True).words
    session.maintenance.alerts.close(1, "Eve", "test")
    assert answers.answer(made, "::1", pressed=True).words == "Acknowledged by Eve, 2026-03-02 08:00 UTC. It is closed."


def test_bad_links_of_one_address_are_counted_and_keep_nobody_else_out(answers, session, clock):
    statuses = [answers.answer("x", "10.0.0.1", pressed=True).status for _ in range(22)]
    assert statuses == [404] * 20 + [429] * 2
    assert answers.answer("x", "10.0.0.2", pressed=True).status == 404
    assert answers.answer(token(session), "10.0.0.1", pressed=False).status == 200
    clock.now += timedelta(minutes=1)
    assert answers.answer("x", "10.0.0.1", pressed=True).status == 404


def test_one_link_is_answered_two_a_second_to_each_reader(answers, session):
    made = token(session)
    statuses = [answers.answer(made, "::1", pressed=False).status for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    assert answers.answer(made, "::2", pressed=False).status == 200


def test_who_guesses_links_of_one_kind_waits_with_the_others_too(session):
    door = LinkDoor(lambda: session)
    answers, pages = Acknowledgements(door), LinkPages(door)
    guess = LinkRequest("technician", "x" * 43, reader="10.0.0.1")
    assert [pages.answer(guess).status for _ in range(20)] == [404] * 20
    assert answers.answer("x", "10.0.0.1", pressed=False).status == 429
    assert answers.answer("x", "10.0.0.2", pressed=False).status == 404
    door.close()


def test_without_a_public_address_there_are_no_links(tmp_path, clock):
    with Session(load_settings(tmp_path, home=tmp_path), clock) as session:
        door = LinkDoor(lambda: session)
        assert "not in use here" in Acknowledgements(door).answer("a.b", "::1", pressed=True).words
        door.close()
