"""Answers arrive by Excel: a channel of its own, and what was exported to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BEFORE = "channel IN ('prefect', 'cli', 'system', 'demo')"
_AFTER = "channel IN ('prefect', 'cli', 'system', 'demo', 'excel')"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "worklist_export",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("exported_by", sa.String(), nullable=False),
        sa.Column("items", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_worklist_export")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _widen_in_sqlite()
    else:
        _widen_in_postgresql()


def _widen_in_sqlite() -> None:
    """Change the words of the CHECK where they are kept.

    SQLite cannot alter a CHECK; its manual (lang_altertable, 7) names this way for one that
    changes nothing of what is stored. Copying the table would take the triggers off the trail.
    """
    bind = op.get_bind()
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table'", (_BEFORE, _AFTER)
    )
    # Every connection reads the schema again.
    bind.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")


def _widen_in_postgresql() -> None:
    checks = op.get_bind().exec_driver_sql(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        " WHERE contype = 'c' AND conname = 'ck_' || conrelid::regclass::text || '_channel_known'"
    )
    for table, name in checks.all():
        op.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
        op.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" CHECK ({_AFTER})')


def downgrade() -> None:
    """Go back."""
    raise RuntimeError("answers by Excel would have to be thrown away; restore a backup instead")
