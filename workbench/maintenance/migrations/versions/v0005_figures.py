"""What figures need: what the cost of an order leaves out, and outages that end when they were to end."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column of this revision, and set the ends of outages right.

    An outage with an end ended when somebody looked next, in the first release; nothing else can end it later.
    """
    op.add_column("orders", sa.Column("cost_missing", sa.Text, nullable=False, server_default=""))
    op.execute('UPDATE outages SET ended_at = "until" WHERE "until" IS NOT NULL AND ended_at > "until"')


def downgrade() -> None:
    """Drop the column of this revision; the ends of outages stay right."""
    op.drop_column("orders", "cost_missing")
