"""Links that let people in: each opens one thing for one person, until it is revoked."""

import pytest
import sqlalchemy as sa

from workbench.exceptions import MaintenanceError
from workbench.maintenance.access_links import AccessLink, AccessLinks


def test_a_link_opens_its_own_kind_for_its_person_until_it_is_revoked(database):
    links = AccessLinks(database)
    path = links.new("calendar", "boss", person="Ann")
    secret = path.removeprefix("calendar/").removesuffix(".ics")
    assert len(secret) == 43
    assert links.find(secret, "calendar") == AccessLink(1, "calendar", "Ann")
    assert links.find(secret, "technician") is None
    for wrong in ("", secret[:-1], secret[:-1] + "!", secret.swapcase(), "x" * 10_000, secret + "\n"):
        assert links.find(wrong, "calendar") is None
    links.revoke(1, "boss")
    assert links.find(secret, "calendar") is None
    with pytest.raises(MaintenanceError, match="Link 1 is revoked already"):
        links.revoke(1, "boss")
    assert links.list()["revoked_by"].tolist() == ["boss"]


def test_no_secret_is_stored(database):
    secret = AccessLinks(database).new("request", "boss").removeprefix("report/")
    with database.reading() as db:
        for table in ("access_links", "log"):
            assert secret not in str(db.execute(sa.text(f"SELECT * FROM {table}")).all())


def test_a_link_needs_a_person_and_a_kind(database):
    with pytest.raises(MaintenanceError, match="The person of the link is empty"):
        AccessLinks(database).new("technician", "boss")
    with pytest.raises(MaintenanceError, match="'door' is not a kind of link"):
        AccessLinks(database).new("door", "boss")
    with pytest.raises(MaintenanceError, match="Link 7 does not exist"):
        AccessLinks(database).revoke(7, "boss")
