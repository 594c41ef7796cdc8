"""Fixtures: a world with documents in a home, and an empty place to restore to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from models.operations.documents import IncomingDocument
from models.rules.clock import SHANGHAI
from models.rules.stages import Stage
from tasks.backups.making import Backup, make_backup
from tasks.backups.restoring import Restored, restore_backup
from tasks.database import transaction
from tests.builders import Dump, World
from tests.databases import Copies

AT = datetime(2026, 3, 2, 9, 30, tzinfo=SHANGHAI)


def dump(engine: Engine) -> Dump:
    """Return every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in SQLModel.metadata.sorted_tables
        }


def only_on_sqlite(place: "Place") -> None:
    """Skip on PostgreSQL, where each scratch database waits for the server's disk."""
    if place.engine.dialect.name != "sqlite":
        pytest.skip("the same code on both databases")


@dataclass
class Place:
    """A home and its database."""

    home: Path
    engine: Engine

    def backup(self, to: Path | None = None, *, despite_faults: bool = False) -> Backup:
        return make_backup(self.home, self.engine, to, AT, despite_faults=despite_faults)

    def restore(self, file: Path, *, force: bool = False) -> Restored:
        return restore_backup(file, self.home, self.engine, AT, force=force)

    def dump(self) -> Dump:
        return dump(self.engine)

    def document(self, content: bytes, name: str = "报告.pdf") -> Path:
        """Take in a document and return where it lies."""
        source = self.home / name
        source.write_bytes(content)
        with (
            IncomingDocument(self.home / "documents", source) as document,
            transaction(self.engine) as session,
        ):
            document.keep(session, AT)
        source.unlink()
        return self.home / "documents" / document.sha256[:2] / document.sha256

    def files(self) -> dict[str, bytes]:
        """Return every file of the home but locks and the database's own."""
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in self.home.rglob("*")
            if path.is_file() and path.suffix != ".lock" and ".db" not in path.name
        }


@pytest.fixture
def here(world: World, tmp_path: Path) -> Place:
    """A home with a case under way and two documents."""
    world.started(Stage.DIAGNOSIS, "diagnose")
    home = tmp_path / "home"
    home.mkdir()
    place = Place(home, world.engine)
    place.document(b"%PDF-1.7 one")
    place.document(b"%PDF-1.7 two", "合同.pdf")
    return place


@pytest.fixture
def there(copies: Copies, tmp_path: Path) -> Iterator[Place]:
    """A home in which there is nothing."""
    for engine in copies.empty():
        yield Place(tmp_path / "other", engine)
