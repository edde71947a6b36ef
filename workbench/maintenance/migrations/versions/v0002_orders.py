"""Work orders, people, parts, meters, preventive plans and the saved schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of this revision; times are microseconds since 1970, UTC; lists are JSON."""
    op.create_table(
        "technicians",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("skills", sa.Text, nullable=False),
        sa.Column("rate", sa.Double, nullable=False),
        sa.Column("hours", sa.Text, nullable=False),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("closed", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "parts",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("stock", sa.Integer, nullable=False),
        sa.Column("minimum", sa.Integer, nullable=False),
        sa.Column("lead_days", sa.Double),
        sa.Column("unit_cost", sa.Double),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "meters",
        sa.Column("asset", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "preventive",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("asset", sa.String(200), nullable=False),
        sa.Column("subsystem", sa.String(200), nullable=False),
        sa.Column("every_days", sa.Double),
        sa.Column("meter", sa.String(100), nullable=False),
        sa.Column("every", sa.Double),
        sa.Column("below", sa.Double),
        sa.Column("anchor", sa.String(20), nullable=False),
        sa.Column("lead_days", sa.Double, nullable=False),
        sa.Column("next_due", sa.BigInteger),
        sa.Column("next_reading", sa.Double),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String(200), nullable=False) for name in ("asset", "subsystem", "channel")),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("priority", sa.String(20), nullable=False),
        sa.Column("priority_parts", sa.Text, nullable=False),
        sa.Column("failure_mode", sa.String(10), nullable=False),
        sa.Column("failure_cause", sa.String(10), nullable=False),
        sa.Column("failure_effect", sa.String(20), nullable=False),
        sa.Column("assignee", sa.String(200), sa.ForeignKey("technicians.name")),
        sa.Column("skills", sa.Text, nullable=False),
        sa.Column("estimated_hours", sa.Double, nullable=False),
        *(sa.Column(name, sa.Double) for name in ("actual_hours", "estimated_cost", "actual_cost")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("checklist", "attachments", "after")),
        sa.Column("stops_asset", sa.Boolean, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("hold_reason", sa.Text, nullable=False),
        sa.Column("done", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_by", sa.String(200), nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("preventive", sa.Integer, sa.ForeignKey("preventive.id")),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_orders_state", "orders", ["state", "score"])
    op.create_index("ix_orders_asset", "orders", ["asset", "state"])
    op.create_index("ix_orders_assignee", "orders", ["assignee", "state"])
    op.create_index("ix_orders_due", "orders", ["due"])
    op.create_index("ix_orders_opened", "orders", ["opened_at"])
    op.create_index("ix_orders_closed", "orders", ["closed_at"])
    op.create_table(
        "order_alerts",
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("alert_id", sa.Integer, sa.ForeignKey("alerts.id"), primary_key=True),
    )
    op.create_index("ix_order_alerts_alert_id", "order_alerts", ["alert_id"])
    op.create_table(
        "order_parts",
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("part", sa.String(200), sa.ForeignKey("parts.name"), primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("needed", "reserved", "used")),
    )
    op.create_table(
        "placements",
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("technician", sa.String(200), sa.ForeignKey("technicians.name"), nullable=False),
        sa.Column("sessions", sa.Text, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("planned_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_placements_start", "placements", ["start"])


def downgrade() -> None:
    """Drop the tables of this revision."""
    for name in (
        "placements",
        "order_parts",
        "order_alerts",
        "orders",
        "preventive",
        "meters",
        "parts",
        "technicians",
    ):
        op.drop_table(name)
