"""The record of a party: address, founding day, ownership, size, headcount of the year before"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    for name in ("ownership", "address"):
        op.add_column(
            "party", sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''"))
        )
    op.add_column("party", sa.Column("founded_on", sa.Date(), nullable=True))
    op.add_column("party", sa.Column("headcount_before", sa.Integer(), nullable=True))
    # Alembic adds no column with a check of its own on SQLite; both databases can.
    op.execute(
        "ALTER TABLE party ADD COLUMN size VARCHAR CONSTRAINT ck_party_size_known "
        "CHECK (size IS NULL OR size IN ('medium', 'small', 'micro'))"
    )


def downgrade() -> None:
    """Go back; what the columns hold is lost."""
    for name in ("size", "headcount_before", "founded_on", "address", "ownership"):
        op.execute(f"ALTER TABLE party DROP COLUMN {name}")
