"""The asset register, orders on a component, and preventive plans by days of the month and seasons."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_PREVENTIVE_COLUMNS = (
    ("calendar", sa.String(100), ""),
    ("season", sa.String(100), ""),
    ("timezone", sa.String(60), "UTC"),
)


def upgrade() -> None:
    """Add the table and the columns of this revision.

    What the catalog lists needs no row. Orders, plans and meters of other names keep them: the register lists these as
    unregistered, since only a person knows which asset they mean.
    """
    op.create_table(
        "assets",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("parent", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200)),
        sa.Column("description", sa.Text),
        sa.Column("criticality", sa.SmallInteger),
        sa.Column("in_service_from", sa.BigInteger),
        sa.Column("in_service_to", sa.BigInteger),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("documents", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_assets_parent", "assets", ["parent"])
    op.add_column("orders", sa.Column("component", sa.String(200), nullable=False, server_default=""))
    for name, kind, value in _PREVENTIVE_COLUMNS:
        op.add_column("preventive", sa.Column(name, kind, nullable=False, server_default=value))


def downgrade() -> None:
    """Drop what this revision added."""
    for name, _, _ in reversed(_PREVENTIVE_COLUMNS):
        op.drop_column("preventive", name)
    op.drop_column("orders", "component")
    op.drop_table("assets")
