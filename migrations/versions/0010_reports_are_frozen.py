"""Reports are kept as they were made, with their hash."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "report_snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('midterm', 'final', 'monthly')", name=op.f("ck_report_snapshot_kind_known")
        ),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_report_snapshot_counted_from_one")),
        sa.CheckConstraint(
            "edition = 1 OR reason <> ''", name=op.f("ck_report_snapshot_renewed_with_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_snapshot")),
        sa.UniqueConstraint(
            "kind", "as_of", "edition", name=op.f("uq_report_snapshot_kind_as_of_edition")
        ),
    )


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("reports that were handed in would be thrown away; restore a backup instead")
