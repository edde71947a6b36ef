"""What `workbench doctor` says of files of orders and requests that are missing, cut off or changed."""

import hashlib

import pytest

from tests.maintenance.orders.test_attachments import PDF, photo
from workbench.jobs.doctor import examine
from workbench.session import Session
from workbench.settings import load_settings


@pytest.fixture
def session(tmp_path):
    with Session(load_settings(tmp_path, home=tmp_path)) as opened:
        yield opened


def findings(session, **options):
    return [(one.state, one.found) for one in examine(session, **options) if one.what == "attachments"]


def test_damaged_files_are_named_with_what_they_are_attached_to(session):
    desk = session.maintenance
    number = desk.orders.new("Kim", asset="Pump-1", type="inspection", title="Look", hours=1).number
    assert findings(session) == []
    for name, content in (("leak.jpg", photo()), ("manual.pdf", PDF)):
        desk.orders.attach_file(number, name, content, "Kim")
    desk.requests.report("Pump-1", "It hums", photos=[("hum.png", photo("PNG"))])
    assert findings(session, read_samples=True) == [("ok", "3 files of work orders and requests")]
    folder = session.settings.attachments_path

    def file_of(content):
        digest = hashlib.sha256(content).hexdigest()
        return folder / digest[:2] / digest

    file_of(PDF).write_bytes(PDF.replace(b"1.4", b"1.7"))
    file_of(photo("PNG")).unlink()
    size = len(photo())
    file_of(photo()).write_bytes(photo()[:-1])
    assert findings(session) == [
        ("broken", f"{number}: The attached file leak.jpg has {size - 1:,} bytes, not {size:,}."),
        ("broken", "RQ-1: The attached file hum.png is missing."),
        ("ok", "1 file of work orders and requests"),
    ]
    assert any("manual.pdf" in found or "was changed" in found for _, found in findings(session, read_samples=True))
