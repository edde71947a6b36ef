"""One outbox of messages about alerts and work orders, in the place of notifications of alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables of this revision, and move the notifications there are; nothing older is told anew."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("recipient", sa.String(100), nullable=False),
        sa.Column("level", sa.SmallInteger),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("claimed_until", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("sent_to", sa.String(100), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("ux_outbox_key", "outbox", ["key"], unique=True)
    op.create_index("ix_outbox_state", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_subject", "outbox", ["subject", "number"])
    op.create_index("ix_outbox_channel", "outbox", ["recipient", "channel", "kind", "sent_at"])
    op.create_table(
        "outbox_place",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO outbox (key, subject, number, reason, detail, recipient, level, channel, kind, queued_at, due_at,"
        " state, sent_at, sent_to, attempts, error)"
        " SELECT 'alert:' || n.alert_id || ':0:' || n.target, 'alert', n.alert_id, 'raised', '', n.target, a.level,"
        " n.channel, n.kind, n.due_at, n.due_at, CASE WHEN n.sent_at IS NULL THEN 'waiting' ELSE 'sent' END,"
        " n.sent_at, CASE WHEN n.sent_at IS NULL THEN '' ELSE n.target END, n.attempts, n.error"
        " FROM notifications n JOIN alerts a ON a.id = n.alert_id ORDER BY n.alert_id, n.target"
    )
    op.execute("INSERT INTO outbox_place (id, seq) SELECT 1, COALESCE(MAX(seq), 0) FROM log")
    op.drop_table("notifications")


def downgrade() -> None:
    """Drop what this revision added; what was not sent yet is not sent any more."""
    op.drop_table("outbox_place")
    op.drop_table("outbox")
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
