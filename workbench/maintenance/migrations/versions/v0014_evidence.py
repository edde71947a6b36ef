"""When the evidence of an alert begins, which is later than where its anomaly does."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column of this revision; open alerts that are found again fill it."""
    op.add_column("alerts", sa.Column("evidence_at", sa.BigInteger))


def downgrade() -> None:
    """Drop the column of this revision."""
    op.drop_column("alerts", "evidence_at")
