"""Reminders have proof: one row per item and rule."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "reminder",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("reminded_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_reminder_contact_id"),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name="fk_reminder_item_id"),
        sa.PrimaryKeyConstraint("item_id", "rule", name="pk_reminder"),
    )
    op.create_index("ix_reminder_contact_id", "reminder", ["contact_id"])
    op.create_index("ix_reminder_day", "reminder", ["reminded_on", "contact_id"])


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("proof is not thrown away; restore a backup instead")
