"""Events that do not take place."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("event", sa.Column("cancelled_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("events that were called off would take place; restore a backup instead")
