"""Which channels moved most in an alert on an asset as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column of this revision; alerts that are found again fill it."""
    op.add_column("alerts", sa.Column("contributions", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column of this revision."""
    op.drop_column("alerts", "contributions")
