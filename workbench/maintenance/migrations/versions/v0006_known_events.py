"""Known events: the shapes of alerts that people called known behaviour or a test, and where they came again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables of this revision, empty: a verdict of an earlier release teaches only what a person asks for."""
    op.create_table(
        "known_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("chosen_bound", sa.Double),
        sa.Column("learnt_bound", sa.Double),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("removed_at", sa.BigInteger),
    )
    op.create_index("ix_known_events_channel", "known_events", ["channel"])
    op.create_table(
        "known_shapes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("event", sa.Integer, sa.ForeignKey("known_events.id"), nullable=False),
        sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("telemetry", sa.LargeBinary),
        sa.Column("before", sa.Integer),
        sa.Column("after", sa.Integer),
        sa.Column("commands", sa.Text),
        sa.Column("units", sa.String(40)),
        sa.Column("clock", sa.String(12)),
        sa.Column("spacing", sa.BigInteger),
        sa.Column("normal_distance", sa.Double),
    )
    op.create_index("ix_known_shapes_event", "known_shapes", ["event"])
    op.create_index("ux_known_shapes_alert", "known_shapes", ["alert"], unique=True)
    op.create_table(
        "known_uses",
        sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), primary_key=True),
        sa.Column("event", sa.Integer, sa.ForeignKey("known_events.id"), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("distance", sa.Double, nullable=False),
        sa.Column("bound", sa.Double, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("ix_known_uses_event", "known_uses", ["event"])


def downgrade() -> None:
    """Drop the tables of this revision."""
    for name in ("known_uses", "known_shapes", "known_events"):
        op.drop_table(name)
