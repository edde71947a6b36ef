"""What plans need: who may give an order to somebody else, and purchase requests."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column and the table of this revision.

    An order that is assigned was assigned by a person, so the plan leaves it with them.
    """
    op.add_column("orders", sa.Column("may_reassign", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "purchases",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("part", sa.String(200), sa.ForeignKey("parts.name"), nullable=False),
        sa.Column("pieces", sa.Integer, nullable=False),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("requested_by", sa.String(200), nullable=False),
        sa.Column("ordered_at", sa.BigInteger),
        sa.Column("expected_at", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_purchases_part", "purchases", ["part", "state"])


def downgrade() -> None:
    """Drop what this revision added."""
    op.drop_table("purchases")
    op.drop_column("orders", "may_reassign")
