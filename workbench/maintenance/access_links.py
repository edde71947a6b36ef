"""Links that let a person in without the dashboard's token: to a calendar, to their own orders, to report a problem.

A link holds a secret of 256 bits, of which only the hash is stored: it is shown once, when it is made. It is good until
somebody revokes it.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.changes import Recorded
from workbench.maintenance.database import Base, Database, UtcDateTime, frame, now
from workbench.maintenance.link_paths import SECRET
from workbench.maintenance.values import check_choice, required_text, row_number

__all__ = ["LINK_KINDS", "AccessLink", "AccessLinkRow", "AccessLinks", "link_path"]

LINK_KINDS = ("calendar", "technician", "request")
"""What a link opens: the calendar of a person, the page of their orders, or the page on which problems are reported."""

_PATHS = {"calendar": "calendar/{}.ics", "technician": "my/{}", "request": "report/{}"}
_SECRET_BYTES = 32


class AccessLinkRow(Recorded, Base):
    """Row of one link; only the hash of its secret is stored."""

    __tablename__ = "access_links"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    person: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    secret_hash: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    made_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    made_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    revoked_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    revoked_by: orm.Mapped[str] = orm.mapped_column(sa.String(200))

    __table_args__ = (sa.Index("ix_access_links_secret", "secret_hash", unique=True),)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"link:{self.id}"


@dataclass(frozen=True)
class AccessLink:
    """What a link lets a person do.

    Attributes
    ----------
    id : int
        Number of the link.
    kind : str
        What it opens, of `LINK_KINDS`.
    person : str
        Person whom it was made for; empty for a page that anybody may use.
    """

    id: int
    kind: str
    person: str


def link_path(kind: str, secret: str) -> str:
    """Return the path of a link under the address of the dashboard.

    Examples
    --------
    >>> link_path("calendar", "abc")
    'calendar/abc.ics'
    """
    return _PATHS[kind].format(secret)


class AccessLinks:
    """List of the links of a workbench.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def new(self, kind: str, who: str, *, person: str = "") -> str:
        """Make a link, and return its path under the address of the dashboard; it is shown only here.

        Parameters
        ----------
        kind : str
            What it opens, of `LINK_KINDS`.
        who : str
            Person or program that does it, for the log.
        person : str
            Technician whose calendar or orders it opens; empty for `request`.

        Raises
        ------
        MaintenanceError
            The kind is unknown, or the person missing.
        """
        check_choice("kind of link", kind, LINK_KINDS)
        person = "" if kind == "request" else required_text("the person of the link", person)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        with self.database.writing() as db:
            last = db.scalar(sa.select(sa.func.max(AccessLinkRow.id))) or 0
            row = AccessLinkRow(
                id=last + 1,
                kind=kind,
                person=person,
                secret_hash=_hash(secret),
                made_at=now(db),
                made_by=who.strip(),
                revoked_at=None,
                revoked_by="",
            )
            db.add(row)
            log.append(db, f"link:{row.id}", "made", who, {"kind": kind, "person": person})
        return link_path(kind, secret)

    def list(self) -> pd.DataFrame:
        """Return the links: id, kind, person, made_at, made_by, revoked_at, revoked_by; never their secrets."""
        columns = [column for column in AccessLinkRow.__table__.columns if column.name != "secret_hash"]
        with self.database.reading() as db:
            return frame(db, sa.select(*columns).order_by(AccessLinkRow.id))

    def revoke(self, number: int, who: str) -> None:
        """Revoke a link: it opens nothing any more.

        Raises
        ------
        MaintenanceError
            There is no such link, or it is revoked already.
        """
        with self.database.writing() as db:
            row = db.get(AccessLinkRow, row_number(number))
            if row is None or row.revoked_at is not None:
                state = "is revoked already" if row is not None else "does not exist"
                raise MaintenanceError(f"Link {number} {state}.", "See: workbench links list.")
            row.revoked_at, row.revoked_by = now(db), who.strip()
            log.append(db, f"link:{row.id}", "revoked", who, {"kind": row.kind, "person": row.person})

    def find(self, secret: str, kind: str) -> AccessLink | None:
        """Return the link of a secret; None where there is none of this kind, or it is revoked."""
        if not SECRET.fullmatch(secret):
            return None
        statement = sa.select(AccessLinkRow).where(
            AccessLinkRow.secret_hash == _hash(secret), AccessLinkRow.kind == kind, AccessLinkRow.revoked_at.is_(None)
        )
        with self.database.reading() as db:
            row = db.scalars(statement).first()
            return None if row is None else AccessLink(row.id, row.kind, row.person)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
