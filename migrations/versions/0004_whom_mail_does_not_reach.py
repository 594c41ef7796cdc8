"""Whom mail does not reach"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_IN_FORCE = sa.text("lifted_at IS NULL")
_NOT_DONE = sa.text("done_at IS NULL")


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "contact",
        sa.Column("has_left", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "contact",
        sa.Column("bounced_address", sa.String(), nullable=False, server_default=""),
    )
    op.add_column("outbox_mail", sa.Column("bounced_at", sa.DateTime(timezone=True)))
    op.add_column("outbox_mail", sa.Column("passed_on_at", sa.DateTime(timezone=True)))
    op.create_index("ix_outbox_mail_message_id", "outbox_mail", ["message_id"])

    op.create_table(
        "suppression",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=False),
        sa.Column("lift_reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "address = lower(address) AND address <> ''",
            name=op.f("ck_suppression_address_folded"),
        ),
        sa.CheckConstraint("reason <> '' AND by <> ''", name=op.f("ck_suppression_with_reason")),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by = '') AND (lifted_at IS NULL) = (lift_reason = '')",
            name=op.f("ck_suppression_lifted_on_record"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index(
        "uq_suppression_in_force",
        "suppression",
        ["address"],
        unique=True,
        sqlite_where=_IN_FORCE,
        postgresql_where=_IN_FORCE,
    )

    op.create_table(
        "phone_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("why <> ''", name=op.f("ck_phone_call_with_why")),
        sa.CheckConstraint(
            "(done_at IS NULL) = (done_by = '')", name=op.f("ck_phone_call_done_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_call")),
        sa.UniqueConstraint("mail_id", name=op.f("uq_phone_call_mail_id")),
    )
    op.create_index(
        "ix_phone_call_open",
        "phone_call",
        ["since"],
        sqlite_where=_NOT_DONE,
        postgresql_where=_NOT_DONE,
    )

    op.create_table(
        "delivery_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_key", sa.String(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.CheckConstraint(
            "action IN ('failed', 'delayed', 'delivered', 'relayed', 'expanded')",
            name=op.f("ck_delivery_report_action_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_report")),
        sa.UniqueConstraint("report_key", name=op.f("uq_delivery_report_report_key")),
    )
    op.create_index("ix_delivery_report_mail_id", "delivery_report", ["mail_id"])

    op.create_table(
        "report_cursor",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_report_cursor")),
    )


def downgrade() -> None:
    """Go back: what was noted of unreachable people is forgotten."""
    for table in ("report_cursor", "delivery_report", "phone_call", "suppression"):
        op.drop_table(table)
    op.drop_index("ix_outbox_mail_message_id", table_name="outbox_mail")
    for table, column in (
        ("outbox_mail", "passed_on_at"),
        ("outbox_mail", "bounced_at"),
        ("contact", "bounced_address"),
        ("contact", "has_left"),
    ):
        op.drop_column(table, column)
