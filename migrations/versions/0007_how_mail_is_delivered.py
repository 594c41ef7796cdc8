"""How mail is delivered"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    # Until now every mail was caught: there was no other mode.
    op.add_column(
        "mail_attempt",
        sa.Column("is_caught", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column("outbox_mail", sa.Column("held_until", sa.DateTime(timezone=True)))
    op.create_index("ix_outbox_mail_entered_at", "outbox_mail", ["entered_at"])

    op.create_table(
        "mail_retry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["outbox_mail.id"], name=op.f("fk_mail_retry_mail_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_retry")),
    )
    op.create_index("ix_mail_retry_mail_id", "mail_retry", ["mail_id"])

    op.create_table(
        "mail_server_check",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_mail_server_check")),
    )


def downgrade() -> None:
    """Go back: who asked for what to be tried anew is forgotten."""
    op.drop_table("mail_server_check")
    op.drop_table("mail_retry")
    op.drop_index("ix_outbox_mail_entered_at", table_name="outbox_mail")
    op.drop_column("outbox_mail", "held_until")
    op.drop_column("mail_attempt", "is_caught")
