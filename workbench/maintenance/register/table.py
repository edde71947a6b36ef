"""The table of the asset register: what people added to the catalog, and what they changed of it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.changes import Recorded
from workbench.maintenance.database import Base, UtcDateTime, Versioned
from workbench.maintenance.orders.table import Json

__all__ = ["AssetRow"]


class AssetRow(Recorded, Versioned, Base):
    """Row of the register; what is None in the row of an asset of the catalog is as the catalog says."""

    __tablename__ = "assets"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(200), primary_key=True)
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    parent: orm.Mapped[str] = orm.mapped_column(sa.String(200), index=True)
    title: orm.Mapped[str | None] = orm.mapped_column(sa.String(200))
    description: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    criticality: orm.Mapped[int | None] = orm.mapped_column(sa.SmallInteger)
    in_service_from: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    in_service_to: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    parts: orm.Mapped[Any] = orm.mapped_column(Json)
    documents: orm.Mapped[Any] = orm.mapped_column(Json)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of it."""
        return f"asset:{self.name}"
