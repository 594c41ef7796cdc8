"""The migrations and the tables in code are one."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect
from sqlmodel import SQLModel

from models.rules.stages import Channel
from tasks.migration import is_pending, upgrade
from tests.databases import Copies


def _nothing(engine: Engine) -> None:
    """Leave an empty database as it is."""


def test_an_empty_database_is_brought_to_exactly_the_tables_in_code(copies: Copies) -> None:
    for engine in copies.fresh(_nothing):
        assert is_pending(engine)

        assert upgrade(engine)

        assert not is_pending(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={"compare_type": True, "target_metadata": SQLModel.metadata},
            )
            assert compare_metadata(context, SQLModel.metadata) == []
        assert set(inspect(engine).get_table_names()) == {
            *SQLModel.metadata.tables,
            "alembic_version",
        }
        # A second time there is nothing to do.
        assert not upgrade(engine)


def test_checks_and_partial_indexes_are_in_the_database_too(engine: Engine) -> None:
    """What Alembic does not compare: the CHECKs, and the conditions of indexes."""
    inspector = inspect(engine)
    for table in SQLModel.metadata.sorted_tables:
        checks = {
            check.name
            for check in table.constraints
            if check.__visit_name__ in ("check_constraint", "table_or_column_check_constraint")
        }
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == checks
        dialect = engine.dialect.name
        partial = {
            index.name
            for index in table.indexes
            if index.dialect_options[dialect].get("where") is not None
        }
        there = {
            index["name"]
            for index in inspector.get_indexes(table.name)
            if index.get("dialect_options", {}).get(f"{dialect}_where") is not None
        }
        assert there == partial


def test_every_channel_may_be_written_wherever_a_channel_stands(engine: Engine) -> None:
    """A channel of its own came after some of the tables: their CHECKs must know it too."""
    inspector = inspect(engine)
    found = 0
    for table in SQLModel.metadata.sorted_tables:
        for check in inspector.get_check_constraints(table.name):
            if check["name"] == f"ck_{table.name}_channel_known":
                found += 1
                assert all(f"'{channel.value}'" in check["sqltext"] for channel in Channel)
    assert found == len([t for t in SQLModel.metadata.sorted_tables if "channel" in t.columns]) > 2
