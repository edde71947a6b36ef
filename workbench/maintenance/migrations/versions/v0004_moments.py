"""Moments of alerts: times, or numbers of samples since the channel began, in place of rows of a series."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns of this revision: nanoseconds since 1970, UTC, or sample numbers, as `clock` says.

    What is stored so far is the best that the database knows: microseconds where there were times, else rows. The
    archive is asked when alerts are raised the next time (`workbench.maintenance.alerts.places`). The index is not
    unique: the first release raised one fault twice where an export overlapped the one before.
    """
    op.add_column("alerts", sa.Column("clock", sa.String(12), nullable=False, server_default="row"))
    for name in ("first_at", "last_at"):
        op.add_column("alerts", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE alerts SET first_at = start_sample, last_at = end_sample")
    op.execute(
        "UPDATE alerts SET clock = 'microsecond', first_at = start_time * 1000, last_at = end_time * 1000"
        " WHERE start_time IS NOT NULL AND end_time IS NOT NULL"
    )
    op.drop_index("ux_alerts_anomaly", "alerts")
    op.create_index("ix_alerts_moments", "alerts", ["channel", "kind", "clock", "first_at"])


def downgrade() -> None:
    """Drop the columns of this revision."""
    op.drop_index("ix_alerts_moments", "alerts")
    for name in ("last_at", "first_at", "clock"):
        op.drop_column("alerts", name)
    op.create_index("ux_alerts_anomaly", "alerts", ["channel", "kind", "start_sample"], unique=True)
