"""What carrying out orders needs: hours by technician, downtime, signatures, requests, links of access, a calendar."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns and the tables of this revision."""
    for name in ("down_from", "down_to"):
        op.add_column("orders", sa.Column(name, sa.BigInteger))
    op.add_column("orders", sa.Column("origin", sa.Integer))
    op.add_column("orders", sa.Column("origin_kind", sa.String(20), nullable=False, server_default=""))
    op.add_column("orders", sa.Column("signatures", sa.Text, nullable=False, server_default="[]"))
    op.create_table(
        "order_labour",
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("technician", sa.String(200), sa.ForeignKey("technicians.name"), primary_key=True),
        sa.Column("hours", sa.Double, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("reporter", sa.String(200), nullable=False),
        sa.Column("attachments", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id")),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_requests_state", "requests", ["state", "id"])
    op.create_table(
        "access_links",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.String(200), nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("revoked_by", sa.String(200), nullable=False),
    )
    op.create_index("ix_access_links_secret", "access_links", ["secret_hash"], unique=True)
    op.create_table(
        "calendar_events",
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("session", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("technician", sa.String(200), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    """Drop what this revision added."""
    for table in ("calendar_events", "access_links", "requests", "order_labour"):
        op.drop_table(table)
    for name in ("signatures", "origin_kind", "origin", "down_to", "down_from"):
        op.drop_column("orders", name)
