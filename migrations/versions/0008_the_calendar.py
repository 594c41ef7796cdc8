"""The calendar: evidence, readings, events, and what each day brought"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_IN_FORCE = sa.text("withdrawn_at IS NULL")
_STATES = "'not-started', 'under-way', 'at-risk', 'done', 'done-late', 'overdue'"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "milestone_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_because", sa.String(), nullable=False),
        sa.CheckConstraint("number >= 0", name=op.f("ck_milestone_evidence_number")),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_because = '')",
            name=op.f("ck_milestone_evidence_withdrawn_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["document"], ["document.sha256"], name=op.f("fk_milestone_evidence_document")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone_evidence")),
    )
    op.create_index(
        "uq_milestone_evidence_in_force",
        "milestone_evidence",
        ["key", "document", "done_on", "number"],
        unique=True,
        sqlite_where=_IN_FORCE,
        postgresql_where=_IN_FORCE,
    )
    op.create_table(
        "milestone_day",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("target", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_milestone_day_state_known")),
        sa.PrimaryKeyConstraint("key", "day", name=op.f("pk_milestone_day")),
    )
    op.create_table(
        "reading_choice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contradiction", sa.String(), nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_choice")),
    )
    op.create_index("ix_reading_choice_contradiction", "reading_choice", ["contradiction"])
    op.create_table(
        "calendar_moment",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_calendar_moment")),
    )
    _events()


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("milestone_key", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('training', 'matching')", name=op.f("ck_event_kind_known")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_event_window")),
        sa.ForeignKeyConstraint(
            ["milestone_key"], ["milestone.key"], name=op.f("fk_event_milestone_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("name", "starts_at", name=op.f("uq_event_name_starts_at")),
    )
    op.create_index("ix_event_milestone_key", "event", ["milestone_key"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_attended", sa.Boolean(), nullable=True),
        sa.Column("attendees", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_invitation_event_id")),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_invitation_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("event_id", "party_id", name=op.f("uq_invitation_event_id_party_id")),
    )
    op.create_index("ix_invitation_party_id", "invitation", ["party_id"])


def downgrade() -> None:
    """Go back: evidence, readings chosen and events are forgotten."""
    for table in (
        "invitation",
        "event",
        "calendar_moment",
        "reading_choice",
        "milestone_day",
        "milestone_evidence",
    ):
        op.drop_table(table)
