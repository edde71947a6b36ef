"""Links of messages: signed, of one alert, one person and one announcement, and of limited life."""

import base64
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import LinkError
from workbench.maintenance.link_paths import LINK_PATH
from workbench.maintenance.notifications.links import AlertLink, LinkSigner


@pytest.fixture
def signer(tmp_path):
    return LinkSigner(tmp_path / "links.key", "https://wb.example/", 2)


def token(signer, alert=7, person="Ann Ö"):
    url = signer.url(alert, person, START, START)
    assert url.startswith(f"https://wb.example{LINK_PATH}")
    return url.removeprefix(f"https://wb.example{LINK_PATH}")


def test_a_link_says_what_was_signed_until_its_life_ends(signer):
    made = token(signer)
    microsecond = timedelta(microseconds=1)
    seconds = int(START.timestamp()) * 10**6
    expected = AlertLink(7, "Ann Ö", seconds, seconds + 2 * 3600 * 10**6)
    assert signer.read(made, START + timedelta(hours=2) - microsecond) == expected
    with pytest.raises(LinkError, match="expired"):
        signer.read(made, START + timedelta(hours=2))


def test_every_change_of_a_single_character_is_noticed(signer):
    made = token(signer)
    for place in range(len(made)):
        for letter in "AB.-_=":
            if made[place] != letter:
                with pytest.raises(LinkError):
                    signer.read(made[:place] + letter + made[place + 1 :], START)


def test_another_alert_cannot_be_written_into_a_link(signer):
    content, _, signature = token(signer).partition(".")
    values = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    values[1] = 8
    forged = base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")
    with pytest.raises(LinkError, match="not a link of this workbench"):
        signer.read(f"{forged}.{signature}", START)


@pytest.mark.parametrize(
    "hostile", ["", ".", "a", "a.b", "..", "é.é", "A" * 100_000, "%00.%00", "../../etc/passwd", "a.b.c"]
)
def test_hostile_links_are_refused(signer, hostile):
    token(signer)
    with pytest.raises(LinkError, match="not a link of this workbench"):
        signer.read(hostile, START)


def test_a_key_of_another_home_does_not_do(signer, tmp_path):
    other = LinkSigner(tmp_path / "other.key", "https://wb.example", 2)
    token(other)
    with pytest.raises(LinkError, match="not a link"):
        other.read(token(signer), START)


def test_the_key_is_its_owners_alone_and_made_once(signer):
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(token, [signer] * 32))
    assert len(tokens) == 1
    assert stat.S_IMODE(signer.key_file.stat().st_mode) == 0o600
    assert signer.key_file.stat().st_size == 32
    assert os.listdir(signer.key_file.parent) == ["links.key"]


def test_a_key_that_others_can_read_or_that_is_damaged_is_refused(signer):
    signer.check()  # not made yet
    made = token(signer)
    signer.key_file.chmod(0o640)
    for use in (lambda: token(signer), lambda: signer.read(made, START), signer.check):
        with pytest.raises(LinkError, match="can be read by others"):
            use()
    signer.key_file.chmod(0o600)
    signer.key_file.write_bytes(b"")
    with pytest.raises(LinkError, match="damaged"):
        signer.check()


def test_reading_makes_no_key(signer):
    with pytest.raises(LinkError):
        signer.read("YQ.YQ", START)
    assert not signer.key_file.exists()
