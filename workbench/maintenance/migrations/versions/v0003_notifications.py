"""Notifications that are to be sent, and those that were."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table of this revision."""
    op.create_table(
        "notifications",
        sa.Column("alert_id", sa.Integer, sa.ForeignKey("alerts.id"), primary_key=True),
        sa.Column("target", sa.String(100), primary_key=True),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("ix_notifications_due", "notifications", ["sent_at", "due_at"])
    op.create_index("ix_notifications_channel", "notifications", ["target", "channel", "kind", "sent_at"])


def downgrade() -> None:
    """Drop the table of this revision."""
    op.drop_table("notifications")
