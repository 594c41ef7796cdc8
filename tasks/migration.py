"""Bring the database to the revision that this code needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

import migrations


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's settings, bound to `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(on: Engine) -> bool:
    """Bring the database up to date; return whether anything had to be done."""
    if not is_pending(on):
        return False
    with on.connect() as connection:
        command.upgrade(alembic_config(connection), "head")
        connection.commit()
    return True


def is_pending(on: Engine) -> bool:
    """Return whether the database lacks a revision that this code has."""
    with on.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present != ScriptDirectory.from_config(alembic_config()).get_current_head()


def is_known(revision: str) -> bool:
    """Return whether `revision` is one that this code has, or comes from."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return any(each.revision == revision for each in scripts.walk_revisions())
