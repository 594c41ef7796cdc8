"""Deadlines that move: extensions, stopped clocks; reminders per due day; mails cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ROLES = (
    "'enterprise', 'provider', 'assessor', 'county-bureau', 'city-bureau', 'finance-bureau',"
    " 'system'"
)
_BEFORE = "state IN ('queued', 'sending', 'sent', 'failed')"
_AFTER = "state IN ('queued', 'sending', 'sent', 'failed', 'cancelled')"
_WITH_REASON = "state <> 'cancelled' OR last_error <> ''"
#: In SQLite the new CHECK is written in front of one that is there.
_ANCHOR = "CONSTRAINT ck_outbox_mail_failed_with_reason "


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "clock_stop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("stopped_on", sa.Date(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("waits_for", sa.String(), nullable=False),
        sa.Column("due_before", sa.Date(), nullable=False),
        sa.Column("restarted_on", sa.Date()),
        sa.Column("restarted_at", sa.DateTime(timezone=True)),
        sa.Column("restarted_by", sa.String(), nullable=False),
        sa.CheckConstraint(f"waits_for IN ({_ROLES})", name=op.f("ck_clock_stop_waits_for_known")),
        sa.CheckConstraint(
            "(restarted_on IS NULL) = (restarted_at IS NULL)", name=op.f("ck_clock_stop_restarted")
        ),
        sa.CheckConstraint(
            "restarted_on IS NULL OR restarted_on >= stopped_on",
            name=op.f("ck_clock_stop_in_order"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_clock_stop_with_reason")),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_clock_stop_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_stop")),
    )
    op.create_index("ix_clock_stop_item_id", "clock_stop", ["item_id"])
    op.create_index(
        "uq_clock_stop_open",
        "clock_stop",
        ["item_id"],
        unique=True,
        sqlite_where=sa.text("restarted_on IS NULL"),
        postgresql_where=sa.text("restarted_on IS NULL"),
    )
    op.create_table(
        "extension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("extended_on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extended_by", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("due_before", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.CheckConstraint("due_on > due_before", name=op.f("ck_extension_later")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_extension_with_reason")),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_extension_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
    )
    op.create_index("ix_extension_item_id", "extension", ["item_id"])
    op.add_column("work_item", sa.Column("due_since", sa.Date()))
    op.add_column(
        "stage_run",
        sa.Column("is_stale", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _key_reminders_by_due_day()
    if op.get_bind().dialect.name == "sqlite":
        _cancelled_in_sqlite()
    else:
        _cancelled_in_postgresql()


def _key_reminders_by_due_day() -> None:
    op.execute(
        "CREATE TABLE reminder_kept AS"
        " SELECT r.item_id, r.rule, coalesce(w.due_on, r.reminded_on) AS due_on, r.contact_id,"
        " r.reminded_on FROM reminder r JOIN work_item w ON w.id = r.item_id"
    )
    op.drop_table("reminder")
    op.create_table(
        "reminder",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("contact_id", sa.Integer()),
        sa.Column("reminded_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_reminder_contact_id")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_reminder_item_id")),
        sa.PrimaryKeyConstraint("item_id", "rule", "due_on", name=op.f("pk_reminder")),
    )
    op.create_index("ix_reminder_contact_id", "reminder", ["contact_id"])
    op.create_index("ix_reminder_day", "reminder", ["reminded_on", "contact_id"])
    op.execute(
        "INSERT INTO reminder (item_id, rule, due_on, contact_id, reminded_on)"
        " SELECT item_id, rule, due_on, contact_id, reminded_on FROM reminder_kept"
    )
    op.drop_table("reminder_kept")


def _cancelled_in_sqlite() -> None:
    """Change the words of the CHECK where they are kept, as 0006 does and for its reasons."""
    bind = op.get_bind()
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    added = f"CONSTRAINT ck_outbox_mail_cancelled_with_reason CHECK ({_WITH_REASON}), \n\t"
    bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(replace(sql, ?, ?), ?, ?)"
        " WHERE type = 'table' AND name = 'outbox_mail'",
        (_BEFORE, _AFTER, _ANCHOR, added + _ANCHOR),
    )
    bind.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")


def _cancelled_in_postgresql() -> None:
    op.drop_constraint(op.f("ck_outbox_mail_state_known"), "outbox_mail", type_="check")
    op.create_check_constraint(op.f("ck_outbox_mail_state_known"), "outbox_mail", _AFTER)
    op.create_check_constraint(
        op.f("ck_outbox_mail_cancelled_with_reason"), "outbox_mail", _WITH_REASON
    )


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("what was extended and stopped is not thrown away; restore a backup instead")
