"""The pages behind links, over HTTP: what each opens, what a form does, and what hostile readers get."""

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import tornado.httpserver
import tornado.web
from icalendar import Calendar

from tests.maintenance.orders.test_attachments import PDF, photo
from workbench.dashboard import link_pages
from workbench.dashboard.link_door import LinkDoor
from workbench.dashboard.link_handlers import link_handlers
from workbench.dashboard.link_pages import LinkPages
from workbench.session import Session
from workbench.settings import load_settings


class Clock:
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Served:
    """The handlers of the links, on a server of their own."""

    def __init__(self, home: Path, clock: Clock, **orders: float) -> None:
        self.clock = clock
        self._settings = load_settings(home, home=home, orders=orders)
        self.session = self._open()
        self.desk = self.session.maintenance
        self._pages = LinkPages(LinkDoor(self._open))
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _open(self) -> Session:
        return Session(self._settings, self.clock)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def begin() -> None:
            app = tornado.web.Application([one for one in link_handlers() if len(one) == 3], link_pages=self._pages)
            self._server = tornado.httpserver.HTTPServer(app)
            (socket,) = tornado.netutil.bind_sockets(0, "127.0.0.1")
            self._server.add_sockets([socket])
            self.url = f"http://127.0.0.1:{socket.getsockname()[1]}/"

        self._loop.run_until_complete(begin())
        self._loop.call_soon(ready.set)
        self._loop.run_forever()

    def link(self, kind: str, person: str = "") -> str:
        return self.url + self.desk.access_links.new(kind, "boss", person=person)

    def ask(self, question):
        """Return what the pages answer to who has signed in, in their thread."""
        asked = asyncio.run_coroutine_threadsafe(self._pages.door.run(lambda: question(self._pages)), self._loop)
        return asked.result()

    def close(self) -> None:
        async def end() -> None:
            self._server.stop()
            await self._server.close_all_connections()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._pages.door.close()
        self.session.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path, Clock(), attachment_mb=1)
    try:
        made.desk.people.set("Ann", "boss", rate=80.0)
        made.desk.people.set("Ben", "boss", rate=50.0)
        yield made
    finally:
        made.close()


@pytest.fixture
def order(served: Served) -> str:
    checklist = [
        {"text": "Locked out", "kind": "safety"},
        {"text": "Oil", "kind": "number", "units": "°C", "high": 70},
    ]
    order = served.desk.orders.new(
        "boss", asset="Pump-1", type="inspection", title="Look <b>here</b>", checklist=checklist
    )
    served.desk.orders.assign(order.number, "Ann", "boss")
    return order.number


def send(address: str, *photos: tuple[str, bytes], **values: str) -> requests.Response:
    files = [("photo", one) for one in photos] or None
    return requests.post(address, data=values, files=files, timeout=60)


def test_an_order_is_carried_out_from_a_link(served, order):
    mine = served.link("technician", "Ann")
    listed = requests.get(mine, timeout=60)
    assert "Look &lt;b&gt;here&lt;/b&gt;" in listed.text and "<b>here" not in listed.text
    assert "Mine <b>1</b>" in listed.text
    page = f"{mine}/{order}"
    assert "cannot be started before its safety steps" in send(page, do="start").text
    assert "The checklist is saved." in send(page, do="answer", **{"item-1": "yes"}).text
    assert "The work has started." in send(page, do="start").text
    asked = send(page, do="answer", **{"item-1": "yes", "item-2": "71"})
    assert asked.status_code == 409
    assert "71 is out of range (to 70 °C)" in asked.text
    assert "value='71'" in asked.text, "what was entered is still there"
    send(page, do="answer", **{"item-1": "yes", "item-2": "71", "remark-2": "cooler <i>blocked</i>"})
    assert "The photo is attached." in send(page, ("seal.jpg", photo()), do="photo").text
    absurd = send(page, do="book", technician="Ben", hours="900")
    assert (absurd.status_code, served.desk.orders.get(order).labour) == (409, {})
    assert "900 hours are more than three months of one person." in absurd.text
    assert "name='asked' value='900'" in absurd.text.replace('"', "'"), "it is taken when it is sent again"
    send(page, do="book", technician="Ben", hours="900", asked="900")
    assert served.desk.orders.get(order).labour == {"Ben": 900.0}
    send(page, do="book", technician="Ben", hours="1,5")
    late = send(page, do="complete", done="cleaned", failure="none", signature="Ann Able")
    assert f"{order} is completed." in late.text
    done = served.desk.orders.get(order)
    assert (done.state, done.labour, done.signatures[0]["name"]) == ("completed", {"Ben": 1.5}, "Ann Able")
    assert (done.checklist[1].answer, done.checklist[1].remark) == (71.0, "cooler <i>blocked</i>")
    assert served.desk.orders.history(order)["who"].iloc[-1] == "Ann"
    stored = done.attachments[0]["file"]
    whole, small = (requests.get(f"{page}/file/{stored}{end}", timeout=60) for end in ("", "?small=1"))
    assert (whole.content, whole.headers["Content-Type"]) == (photo(), "image/jpeg")
    assert len(small.content) < len(whole.content) and small.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("entered", ["1.5", "nan", "inf", "-1", "", "two", "1e3", "²"])
def test_pieces_are_whole_numbers(served, entered):
    """One and a half seals were counted as one, and an order that used "nan" of them failed without a word."""
    served.desk.parts.set("seal", "boss", stock=4)
    order = served.desk.orders.new("boss", asset="Pump-1", title="Seal", checklist=[], parts={"seal": 2}).number
    served.desk.orders.assign(order, "Ann", "boss")
    page = f"{served.link('technician', 'Ann')}/{order}"
    send(page, do="start")
    form = {"do": "complete", "done": "sealed", "hours": "1", "failure": "none", "signature": "Ann Able"}
    refused = send(page, **form, **{"used-0": entered})
    assert refused.status_code == 409
    assert "is not a number of pieces." in refused.text
    assert served.desk.orders.get(order).state == "in progress"
    assert f"{order} is completed." in send(page, **form, **{"used-0": "2"}).text


def test_filters_are_links_that_show_what_they_say(served, order):
    served.desk.parts.set("seal", "boss", stock=0, lead_days=5)
    served.desk.orders.new("boss", asset="Pump-1", title="Free one", checklist=[], parts={"seal": 1})
    served.clock.now += timedelta(days=40)
    mine = served.link("technician", "Ann")
    shown = {
        name: sorted(set(re.findall(r"WO-\d", requests.get(f"{mine}?show={name}", timeout=60).text)))
        for name in ("mine", "overdue", "unassigned", "parts", "nonsense")
    }
    assert shown == {
        "mine": ["WO-1"],
        "overdue": ["WO-1", "WO-2"],
        "unassigned": ["WO-2"],
        "parts": ["WO-2"],
        "nonsense": ["WO-1"],
    }


def test_nobody_works_on_the_order_of_another_and_a_free_one_is_taken(served, order):
    ben = f"{served.link('technician', 'Ben')}/{order}"
    assert "Assigned to Ann" in requests.get(ben, timeout=60).text
    for action in ("start", "answer", "complete", "hold", "photo", "comment", "book"):
        assert send(ben, do=action, reason="x", comment="x", hours="1").status_code == 409
    assert send(ben, do="nonsense").status_code == 409
    assert served.desk.orders.get(order).state == "assigned"
    served.desk.orders.assign(order, None, "boss")
    assert "is yours" in send(ben, do="take").text
    assert served.desk.orders.get(order).assignee == "Ben"


def test_who_saw_an_older_order_overwrites_nothing(served, order):
    ann = f"{served.link('technician', 'Ann')}/{order}"
    version = str(served.desk.orders.get(order).version)
    served.desk.orders.answer(order, 1, True, "Kim")
    refused = send(ann, do="hold", reason="lunch", version=version)
    assert refused.status_code == 409
    assert served.desk.orders.get(order).state == "assigned"


def test_a_link_opens_its_own_kind_until_it_is_revoked(served, order):
    mine, feed = served.link("technician", "Ann"), served.link("calendar", "Ann")
    secret = mine.rpartition("/")[2]
    for address in (f"calendar/{secret}.ics", f"report/{secret}", f"my/{secret}x", "my/x", f"my/{secret}/../../etc"):
        assert requests.get(served.url + address, timeout=60).status_code == 404
    served.desk.planning.place(order, "Ann", served.clock.now + timedelta(days=1), "boss")
    answer = requests.get(feed, timeout=60)
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert [str(one["summary"]) for one in Calendar.from_ical(answer.content).walk("VEVENT")] == [
        f"{order} Look <b>here</b> (Ann)"
    ]
    served.desk.access_links.revoke(1, "boss")
    assert requests.get(mine, timeout=60).status_code == 404
    assert requests.get(feed, timeout=60).status_code == 200


def test_links_are_not_guessed_for_long(served):
    answers = [requests.get(f"{served.url}my/{number}", timeout=60).status_code for number in range(25)]
    assert answers == [404] * 20 + [429] * 5
    served.clock.now += timedelta(minutes=1)
    assert requests.get(f"{served.url}my/1", timeout=60).status_code == 404


def test_a_problem_is_reported_with_a_photo(served):
    address = served.link("request")
    problem = "<script>alert(1)</script> it leaks"
    answer = send(address, ("x.jpg", photo()), asset="Pump-1", problem=problem, reporter="Uma")
    assert (answer.status_code, "Thank you. Your report is RQ-1." in answer.text) == (200, True)
    made = served.desk.requests.get(1)
    assert (made.problem, made.reporter, made.attachments[0]["name"]) == (problem, "Uma", "x.jpg")
    refused = send(address, ("x.exe", b"MZ"), asset="Pump-1", problem=problem)
    assert refused.status_code == 409
    assert "<script>" not in refused.text and "&lt;script&gt;alert(1)&lt;/script&gt; it leaks" in refused.text
    assert (
        "Content-Security-Policy" in refused.headers and "script-src" not in refused.headers["Content-Security-Policy"]
    )
    assert "Thank you" not in requests.get(f"{address}?sent=<b>", timeout=60).text
    assert len(served.desk.requests.list(None)) == 1


def test_who_reports_too_much_has_to_wait(served):
    address = served.link("request")
    answers = [send(address, asset="Pump-1", problem="<it leaks>", reporter="Uma") for _ in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert len(served.desk.requests.list()) == 5
    for words in ("Too many reports in a minute", "&lt;it leaks&gt;", "value='Uma'", "value='Pump-1' selected>Pump 1<"):
        assert words in answers[-1].text  # nothing that was typed is lost
    served.clock.now += timedelta(minutes=1)
    assert send(address, asset="Pump-1", problem="<it leaks>").status_code == 200


def test_more_than_the_files_may_have_is_refused_before_it_is_read(served):
    address = served.link("request")
    big = b"x" * (6 * 2**20)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (big, iter([big])):  # with its length, and in pieces
        try:
            assert requests.post(address, data=body, headers=kind, timeout=60).status_code in (400, 413)
        except requests.ConnectionError:
            continue  # the server hung up while it was being sent
    assert served.desk.requests.list(None).empty
    assert send(address, asset="Pump-1", problem="still here").status_code == 200


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(served, method):
    assert requests.request(method, served.link("request"), timeout=60).status_code == 405


def test_a_document_is_saved_not_shown(served, order):
    ann = f"{served.link('technician', 'Ann')}/{order}"
    send(ann, ('ev"il\r\n.pdf', PDF), do="photo")
    digest = served.desk.orders.get(order).attachments[0]["file"]
    answer = requests.get(f"{ann}/file/{digest}", timeout=60)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert requests.get(f"{ann}/file/{'0' * 64}", timeout=60).status_code == 404


def test_the_code_of_an_order_leads_to_it_on_the_telephone_of_its_technician_only(served, order):
    phone, stranger = requests.Session(), requests.Session()
    scanned = f"{served.url}my/{order}"
    assert stranger.get(scanned, timeout=60).status_code == 404
    mine = served.link("technician", "Ann")
    assert phone.get(mine, timeout=60).status_code == 200
    (cookie,) = phone.cookies
    assert cookie.path == "/my" and cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    led = phone.get(scanned, timeout=60)
    assert (led.status_code, led.url) == (200, f"{mine}/{order}")
    assert "Look &lt;b&gt;here&lt;/b&gt;" in led.text
    assert "Whose telephone is this?" in stranger.get(scanned, timeout=60).text
    served.desk.access_links.revoke(1, "boss")
    assert phone.get(scanned, timeout=60).status_code == 404, "a link that was revoked opens nothing"


def test_a_code_holds_the_public_address_and_no_secret(served, order, monkeypatch):
    codes = []
    monkeypatch.setattr(link_pages, "qr_code", lambda address: codes.append(address) or "<svg></svg>")
    answer = served.ask(lambda pages: pages.code(order, "http://127.0.0.1:8866"))
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    assert served.ask(lambda pages: pages.code("WO-99", "http://127.0.0.1:8866")).status == 404
    assert codes == [f"http://127.0.0.1:8866/my/{order}"]
    monkeypatch.undo()
    printed = served.ask(lambda pages: pages.printed(order, "https://wb.example")).body.decode()
    assert f"https://wb.example/my/{order}</p>" in printed
    assert "<svg" in printed


def test_photos_of_a_request_are_served_to_who_has_signed_in(served):
    number = served.desk.requests.report("Pump-1", "Oil", photos=[("x.jpg", photo())]).number
    digest = served.desk.requests.get(number).attachments[0]["file"]
    assert served.ask(lambda pages: pages.stored_file(number, digest)).body == photo()
    assert served.ask(lambda pages: pages.stored_file("RQ-9", digest)).status == 404
