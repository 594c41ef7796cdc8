"""The register has a trail of its own: who registered or changed which party, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_GENESIS = "0" * 64


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "programme",
        sa.Column("register_length", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column(
        "programme",
        sa.Column("register_head", sa.String(), nullable=False, server_default=_GENESIS),
    )
    op.create_table(
        "register_entry",
        sa.Column("id", sa.Integer(), nullable=False),
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
        sa.Column("registered_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('prefect', 'cli', 'system', 'demo')",
            name=op.f("ck_register_entry_channel_known"),
        ),
        sa.ForeignKeyConstraint(
            ["registered_id"], ["party.id"], name=op.f("fk_register_entry_registered_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_entry")),
        sa.UniqueConstraint("number", name=op.f("uq_register_entry_number")),
    )
    op.create_index(op.f("ix_register_entry_registered_id"), "register_entry", ["registered_id"])
    _guard(op.get_bind().dialect.name)


def _guard(dialect: str) -> None:
    """Make the table append-only, as the first revision did the audit trail."""
    deed = {
        "sqlite": "BEGIN SELECT RAISE(ABORT, 'register_entry is append-only'); END",
        "postgresql": "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    }[dialect]
    verbs = ("update", "delete", "truncate") if dialect == "postgresql" else ("update", "delete")
    for verb in verbs:
        op.execute(
            f"CREATE TRIGGER register_entry_no_{verb} BEFORE {verb.upper()} ON register_entry {deed}"
        )


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("the trail of the register is not thrown away; restore a backup instead")
