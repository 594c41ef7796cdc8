"""The tables of the spine"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


#: The trail is append-only, whoever is connected.
_GUARDS = {
    "sqlite": (
        "CREATE TRIGGER audit_entry_no_{verb} BEFORE {VERB} ON {table} "
        "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    ),
    "postgresql": (
        "CREATE TRIGGER audit_entry_no_{verb} BEFORE {VERB} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    ),
}


def _guard(dialect: str) -> None:
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    # TRUNCATE, which SQLite does not have, passes the others by.
    verbs = ("update", "delete", "truncate") if dialect == "postgresql" else ("update", "delete")
    for table in ("audit_entry", "audit_seal"):
        for verb in verbs:
            statement = _GUARDS[dialect].format(verb=verb, VERB=verb.upper(), table=table)
            op.execute(statement.replace("audit_entry_no", f"{table}_no"))


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "audit_seal",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("heads", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_seal")),
    )
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.Column("workday_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_day")),
    )
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calendar_day_workday_no"), ["workday_no"], unique=False
        )

    op.create_table(
        "document",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_document_size")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_document")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "outbox_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dedup_key", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=True),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("to_party", sa.String(), nullable=False),
        sa.Column("to_name", sa.String(), nullable=False),
        sa.Column("to_address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body_text", sa.String(), nullable=True),
        sa.Column("body_html", sa.String(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(state = 'sending') = (lease_owner IS NOT NULL)", name=op.f("ck_outbox_mail_leased")
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL) AND (state <> 'sent' OR (message_id IS NOT NULL AND subject IS NOT NULL AND body_text IS NOT NULL AND body_html IS NOT NULL))",
            name=op.f("ck_outbox_mail_sent_with_proof"),
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR last_error <> ''", name=op.f("ck_outbox_mail_failed_with_reason")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed')",
            name=op.f("ck_outbox_mail_state_known"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_mail_attempts_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_mail")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_outbox_mail_dedup_key")),
    )
    with op.batch_alter_table("outbox_mail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_mail_case_no"), ["case_no"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_mail_item_id"), ["item_id"], unique=False)
        batch_op.create_index(
            "ix_outbox_mail_waiting",
            ["next_try_at", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'sending')"),
            postgresql_where=sa.text("state IN ('queued', 'sending')"),
        )

    op.create_table(
        "party",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("credit_code", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("industry", sa.String(), nullable=False),
        sa.Column("is_above_scale", sa.Boolean(), nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=True),
        sa.Column("revenue", sa.BigInteger(), nullable=True),
        sa.Column("main_business", sa.String(), nullable=False),
        sa.Column("is_admitted", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "credit_code = '' OR length(credit_code) = 18", name=op.f("ck_party_credit_code_length")
        ),
        sa.CheckConstraint(
            "role <> 'enterprise' OR credit_code <> ''", name=op.f("ck_party_enterprise_has_code")
        ),
        sa.CheckConstraint(
            "role IN ('enterprise', 'provider', 'assessor', 'county-bureau', 'city-bureau', 'finance-bureau', 'system')",
            name=op.f("ck_party_role_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(
            "uq_party_role_credit_code",
            ["role", "credit_code"],
            unique=True,
            sqlite_where=sa.text("credit_code <> ''"),
            postgresql_where=sa.text("credit_code <> ''"),
        )
        batch_op.create_index("uq_party_role_name", ["role", "name"], unique=True)

    op.create_table(
        "programme",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.Column("demonstration_today", sa.Date(), nullable=True),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_programme")),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("applications_open_on", sa.Date(), nullable=False),
        sa.Column("applications_close_on", sa.Date(), nullable=False),
        sa.Column("transformation_from", sa.Date(), nullable=False),
        sa.Column("transformation_until", sa.Date(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "applications_open_on <= applications_close_on", name=op.f("ck_batch_applications")
        ),
        sa.CheckConstraint(
            "transformation_from <= transformation_until", name=op.f("ck_batch_transformation")
        ),
        sa.ForeignKeyConstraint(
            ["programme_key"], ["programme.key"], name=op.f("fk_batch_programme_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("programme_key", "number", name=op.f("uq_batch_programme_key_number")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.CheckConstraint("email LIKE '%_@_%'", name=op.f("ck_contact_email")),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_contact_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index("uq_contact_party_name", ["party_id", "name"], unique=True)
        batch_op.create_index(
            "uq_contact_primary",
            ["party_id"],
            unique=True,
            sqlite_where=sa.text("is_primary"),
            postgresql_where=sa.text("is_primary"),
        )

    op.create_table(
        "mail_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'try-again', 'refused')",
            name=op.f("ck_mail_attempt_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["outbox_mail.id"], name=op.f("fk_mail_attempt_mail_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attempt")),
    )
    with op.batch_alter_table("mail_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_attempt_mail_id"), ["mail_id"], unique=False)

    op.create_table(
        "milestone",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("programme_key", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=True),
        sa.Column("target_text", sa.String(), nullable=False),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_milestone_window")),
        sa.ForeignKeyConstraint(
            ["programme_key"], ["programme.key"], name=op.f("fk_milestone_programme_key")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_milestone")),
    )
    op.create_table(
        "case_file",
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("programme_key", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("enterprise_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("assessor_id", sa.Integer(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("audit_length", sa.Integer(), nullable=False),
        sa.Column("audit_head", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(status = 'active') = (closed_at IS NULL)", name=op.f("ck_case_file_closed_when_ended")
        ),
        sa.CheckConstraint(
            "stage IN ('application', 'diagnosis', 'transformation', 'acceptance', 'grading', 'subsidy')",
            name=op.f("ck_case_file_stage_known"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'completed', 'no-subsidy', 'rejected', 'failed', 'withdrawn')",
            name=op.f("ck_case_file_status_known"),
        ),
        sa.CheckConstraint(
            "assessor_id IS NULL OR assessor_id <> provider_id", name=op.f("ck_case_file_assessor")
        ),
        sa.ForeignKeyConstraint(
            ["assessor_id"], ["party.id"], name=op.f("fk_case_file_assessor_id")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_case_file_batch_id")),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["party.id"], name=op.f("fk_case_file_enterprise_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_key"], ["programme.key"], name=op.f("fk_case_file_programme_key")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["party.id"], name=op.f("fk_case_file_provider_id")
        ),
        sa.PrimaryKeyConstraint("case_no", name=op.f("pk_case_file")),
    )
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_file_assessor_id"), ["assessor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_file_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_case_file_enterprise_id"), ["enterprise_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_case_file_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_file_stage"), ["stage"], unique=False)
        batch_op.create_index(
            "uq_case_file_enterprise",
            ["programme_key", "enterprise_id"],
            unique=True,
            sqlite_where=sa.text("status NOT IN ('rejected', 'withdrawn')"),
            postgresql_where=sa.text("status NOT IN ('rejected', 'withdrawn')"),
        )

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("clause", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('prefect', 'cli', 'system', 'demo')",
            name=op.f("ck_audit_entry_channel_known"),
        ),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_audit_entry_case_no")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("case_no", "number", name=op.f("uq_audit_entry_case_no_number")),
    )
    op.create_table(
        "work_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.CheckConstraint(
            "stage IN ('application', 'diagnosis', 'transformation', 'acceptance', 'grading', 'subsidy')",
            name=op.f("ck_work_item_stage_known"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (outcome IS NULL)", name=op.f("ck_work_item_closed_with_outcome")
        ),
        sa.CheckConstraint(
            "round >= 1 AND attempt >= 1", name=op.f("ck_work_item_counted_from_one")
        ),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_work_item_case_no")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_work_item_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint(
            "case_no",
            "stage",
            "step",
            "attempt",
            name=op.f("uq_work_item_case_no_stage_step_attempt"),
        ),
    )
    with op.batch_alter_table("work_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_item_case_no"), ["case_no"], unique=False)
        batch_op.create_index(
            "ix_work_item_open_due",
            ["due_on"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_index(
            "ix_work_item_open_party",
            ["party_id"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_index(
            "uq_work_item_open",
            ["case_no"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "acceptance_review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("assessor_id", sa.Integer(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("opinion", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessor_id"], ["party.id"], name=op.f("fk_acceptance_review_assessor_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_acceptance_review_case_no")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["work_item.id"], name=op.f("fk_acceptance_review_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance_review")),
        sa.UniqueConstraint("item_id", name=op.f("uq_acceptance_review_item_id")),
    )
    with op.batch_alter_table("acceptance_review", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acceptance_review_case_no"), ["case_no"], unique=False)

    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_accepted", sa.Boolean(), nullable=False),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('prefect', 'cli', 'system', 'demo')", name=op.f("ck_answer_channel_known")
        ),
        sa.CheckConstraint(
            "is_accepted = (refusal = '') AND is_accepted = (receipt <> '')",
            name=op.f("ck_answer_refused_with_reason"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_answer_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_answer_idempotency_key")),
    )
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answer_item_id"), ["item_id"], unique=False)

    op.create_table(
        "assessment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("score", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("scenarios", sa.String(), nullable=False),
        sa.Column("is_on_site", sa.Boolean(), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f("ck_assessment_level")),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_assessment_case_no")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_assessment_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment")),
        sa.UniqueConstraint("item_id", name=op.f("uq_assessment_item_id")),
    )
    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assessment_case_no"), ["case_no"], unique=False)

    op.create_table(
        "award",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("eligible_spend", sa.BigInteger(), nullable=False),
        sa.Column("rate_percent", sa.String(), nullable=False),
        sa.Column("ceiling", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_void", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT is_void OR approved_by = ''", name=op.f("ck_award_approved_stays")),
        sa.CheckConstraint(
            "amount > 0 AND amount <= ceiling", name=op.f("ck_award_within_ceiling")
        ),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_award_two_persons")),
        sa.ForeignKeyConstraint(["case_no"], ["case_file.case_no"], name=op.f("fk_award_case_no")),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_award_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award")),
        sa.UniqueConstraint("item_id", name=op.f("uq_award_item_id")),
    )
    with op.batch_alter_table("award", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_award_case_no"), ["case_no"], unique=False)
        batch_op.create_index(
            "uq_award_in_force",
            ["case_no"],
            unique=True,
            sqlite_where=sa.text("NOT is_void"),
            postgresql_where=sa.text("NOT is_void"),
        )

    op.create_table(
        "contract",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("contract_no", sa.String(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("products", sa.String(), nullable=False),
        sa.Column("price_detail", sa.String(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_contract_amount")),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_contract_case_no")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_contract_item_id")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["party.id"], name=op.f("fk_contract_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("case_no", name=op.f("uq_contract_case_no")),
        sa.UniqueConstraint("item_id", name=op.f("uq_contract_item_id")),
        sa.UniqueConstraint(
            "provider_id", "contract_no", name=op.f("uq_contract_provider_id_contract_no")
        ),
    )
    op.create_table(
        "expenditure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("contract_no", sa.String(), nullable=False),
        sa.Column("invoice_no", sa.String(), nullable=False),
        sa.Column("contract_sum", sa.BigInteger(), nullable=False),
        sa.Column("invoice_sum", sa.BigInteger(), nullable=False),
        sa.Column("paid_sum", sa.BigInteger(), nullable=False),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("eligible_sum", sa.BigInteger(), nullable=True),
        sa.Column("is_replaced", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "contract_sum > 0 AND invoice_sum > 0 AND paid_sum > 0",
            name=op.f("ck_expenditure_sums"),
        ),
        sa.CheckConstraint(
            "eligible_sum IS NULL OR (eligible_sum >= 0 AND eligible_sum <= contract_sum AND eligible_sum <= invoice_sum AND eligible_sum <= paid_sum)",
            name=op.f("ck_expenditure_eligible_sum"),
        ),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_expenditure_case_no")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_expenditure_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expenditure")),
    )
    with op.batch_alter_table("expenditure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_expenditure_case_no"), ["case_no"], unique=False)
        batch_op.create_index(
            "uq_expenditure_invoice",
            ["invoice_no"],
            unique=True,
            sqlite_where=sa.text("NOT is_replaced"),
            postgresql_where=sa.text("NOT is_replaced"),
        )

    op.create_table(
        "objection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("objector", sa.String(), nullable=False),
        sa.Column("reach", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("is_upheld", sa.Boolean(), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_objection_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    with op.batch_alter_table("objection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_objection_item_id"), ["item_id"], unique=False)

    op.create_table(
        "public_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("notice_no", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_public_notice_window")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["work_item.id"], name=op.f("fk_public_notice_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_notice")),
        sa.UniqueConstraint("item_id", name=op.f("uq_public_notice_item_id")),
    )
    with op.batch_alter_table("public_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_public_notice_notice_no"), ["notice_no"], unique=False)

    op.create_table(
        "stage_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("flow_run_id", sa.String(), nullable=True),
        sa.Column("asked_item_id", sa.Integer(), nullable=True),
        sa.Column("asked_count", sa.Integer(), nullable=False),
        sa.Column("woken_count", sa.Integer(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "stage IN ('application', 'diagnosis', 'transformation', 'acceptance', 'grading', 'subsidy')",
            name=op.f("ck_stage_run_stage_known"),
        ),
        sa.ForeignKeyConstraint(
            ["asked_item_id"], ["work_item.id"], name=op.f("fk_stage_run_asked_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_stage_run_case_no")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_run")),
        sa.UniqueConstraint(
            "case_no", "stage", "entry", name=op.f("uq_stage_run_case_no_stage_entry")
        ),
    )
    with op.batch_alter_table("stage_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stage_run_asked_item_id"), ["asked_item_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_stage_run_flow_run_id"), ["flow_run_id"], unique=False)
        batch_op.create_index(
            "ix_stage_run_unfinished",
            ["case_no"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    op.create_table(
        "grade",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("override_reason", sa.String(), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f("ck_grade_level")),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessment.id"], name=op.f("fk_grade_assessment_id")
        ),
        sa.ForeignKeyConstraint(["case_no"], ["case_file.case_no"], name=op.f("fk_grade_case_no")),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_grade_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade")),
        sa.UniqueConstraint("item_id", name=op.f("uq_grade_item_id")),
    )
    with op.batch_alter_table("grade", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grade_case_no"), ["case_no"], unique=False)

    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("voucher_no", sa.String(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_amount")),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_payment_award_id")),
        sa.ForeignKeyConstraint(
            ["case_no"], ["case_file.case_no"], name=op.f("fk_payment_case_no")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name=op.f("fk_payment_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("award_id", name=op.f("uq_payment_award_id")),
        sa.UniqueConstraint("case_no", name=op.f("uq_payment_case_no")),
        sa.UniqueConstraint("item_id", name=op.f("uq_payment_item_id")),
        sa.UniqueConstraint("voucher_no", name=op.f("uq_payment_voucher_no")),
    )
    _guard(op.get_bind().dialect.name)


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("the first revision is the beginning; restore a backup instead")
