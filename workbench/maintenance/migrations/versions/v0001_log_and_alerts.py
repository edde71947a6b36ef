"""The maintenance log, alerts, and the outages that suppress them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of this revision; times are microseconds since 1970, UTC."""
    op.create_table(
        "log",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_log_subject", "log", ["subject", "seq"])
    op.create_index("ix_log_time", "log", ["time"])
    op.create_table(
        "log_end",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("subsystem", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("start_sample", sa.BigInteger, nullable=False),
        sa.Column("end_sample", sa.BigInteger, nullable=False),
        sa.Column("start_time", sa.BigInteger),
        sa.Column("end_time", sa.BigInteger),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("severity", sa.Double),
        sa.Column("value", sa.Double),
        sa.Column("threshold", sa.Double),
        sa.Column("units", sa.String(40), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("condition", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
        sa.Column("latching", sa.Boolean, nullable=False),
        sa.Column("suppressed", sa.Boolean, nullable=False),
        sa.Column("raised_at", sa.BigInteger, nullable=False),
        sa.Column("annunciated_at", sa.BigInteger),
        sa.Column("acknowledged_at", sa.BigInteger),
        sa.Column("acknowledged_by", sa.String(200)),
        sa.Column("cleared_at", sa.BigInteger),
        sa.Column("escalated_at", sa.BigInteger),
        sa.Column("shelf", sa.Integer, sa.ForeignKey("alerts.id")),
        sa.Column("shelved_at", sa.BigInteger),
        sa.Column("shelved_by", sa.String(200)),
        sa.Column("shelved_why", sa.Text),
        sa.Column("shelved_until", sa.BigInteger),
        sa.Column("group_id", sa.Integer, sa.ForeignKey("alerts.id")),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("closed_by", sa.String(200)),
        sa.Column("verdict", sa.String(20)),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ux_alerts_anomaly", "alerts", ["channel", "kind", "start_sample"], unique=True)
    op.create_index("ix_alerts_raised", "alerts", ["raised_at"])
    op.create_index("ix_alerts_state", "alerts", ["state", "raised_at"])
    op.create_index("ix_alerts_asset", "alerts", ["asset", "raised_at"])
    op.create_index("ix_alerts_level", "alerts", ["level", "raised_at"])
    op.create_index("ix_alerts_start", "alerts", ["asset", "start_time"])
    op.create_index("ix_alerts_group", "alerts", ["group_id"])
    op.create_index("ix_alerts_shelf", "alerts", ["shelf"])
    op.create_index("ix_alerts_shelved", "alerts", ["shelved_until"])
    op.create_index("ix_alerts_verdict", "alerts", ["verdict", "raised_at"])
    op.create_table(
        "annunciations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
    )
    op.create_index("ix_annunciations_time", "annunciations", ["time"])
    op.create_index("ix_annunciations_channel", "annunciations", ["channel", "kind", "level", "time"])
    op.create_table(
        "outages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_outages_asset", "outages", ["asset"])


def downgrade() -> None:
    """Drop the tables of this revision."""
    op.drop_table("outages")
    op.drop_table("annunciations")
    op.drop_table("alerts")
    op.drop_table("log_end")
    op.drop_table("log")
