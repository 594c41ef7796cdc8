"""Restoring: all of it or nothing, and never over something that is not kept."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import URL, text

from models.rules.stages import Stage
from tasks.backups import restoring
from tasks.backups.archive import describe, write_archive
from tasks.backups.databases import database_of
from tasks.backups.manifest import AuditEnd, Contents, Manifest
from tasks.backups.refusals import (
    ArchiveRefusedError,
    DatabaseDamagedError,
    DatabaseInUseError,
    NotOursError,
    TargetTakenError,
)
from tasks.database import make_engine, transaction
from tasks.migration import alembic_config, is_pending
from tests.builders import OTHER_ENTERPRISE, World
from tests.tasks.backups.conftest import AT, Place, only_on_sqlite


def test_what_was_backed_up_is_there_again_in_an_empty_place(here: Place, there: Place) -> None:
    only_on_sqlite(here)
    made = here.backup()

    restored = there.restore(made.file)

    assert there.dump() == here.dump()
    assert restored.audit_entries == made.audit_entries > 0
    assert (restored.faults, restored.safety, restored.is_upgraded) == ((), None, False)
    assert there.files() == {
        name: content for name, content in here.files().items() if name.startswith("documents/")
    }
    assert here.backup().manifest.contents == there.backup().manifest.contents


def test_rows_can_be_written_after_restoring(here: Place, there: Place) -> None:
    only_on_sqlite(here)
    there.restore(here.backup().file)

    there.document(b"a new one")

    assert there.backup().manifest.documents == 3


def test_what_is_there_is_replaced_only_by_force_and_backed_up_first(
    here: Place, world: World
) -> None:
    made = here.backup()
    world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)
    here.document(b"later", "后来.pdf")
    (here.home / "prefect").mkdir()
    later = here.dump()

    with pytest.raises(TargetTakenError, match="--force"):
        here.restore(made.file)
    untouched = here.dump()
    restored = here.restore(made.file, force=True)

    assert untouched == later
    assert len(here.dump()["case_file"]) == 1
    assert world.verify() == []
    assert [folder.name for folder in restored.put_aside] == ["prefect-before-20260302T093000"]
    assert restored.safety is not None
    assert restored.safety.manifest.contents.tables["case_file"] == 2
    if here.engine.dialect.name == "postgresql":
        old = make_engine(here.engine.url.set(database=restored.old_database))
        assert Place(here.home, old).dump() == later
        old.dispose()
        _drop(here, restored.old_database)
        return
    # The way back: it need not be asked for twice.
    here.restore(restored.safety.file, force=True)
    assert here.dump() == later


def _drop(here: Place, name: str | None) -> None:
    with here.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE "{name}"'))


def test_a_faulty_present_is_kept_as_it_is(here: Place) -> None:
    only_on_sqlite(here)
    made = here.backup()
    lost = here.document(b"lost", "遗失.pdf")
    with transaction(here.engine) as session:
        session.execute(text("UPDATE case_file SET audit_head = 'x' || substr(audit_head, 2)"))
    lost.unlink()
    faulty = here.dump()

    first = here.restore(made.file, force=True)
    assert first.safety is not None
    second = here.restore(first.safety.file, force=True)

    assert first.faults == ()
    assert any("遗失.pdf" in fault for fault in first.safety.faults)
    assert second.faults == first.safety.faults
    assert len(second.faults) == 2
    assert here.dump() == faulty


def test_what_is_not_ours_is_never_replaced(there: Place, a_file: Path) -> None:
    with there.engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))

    with pytest.raises(NotOursError):
        there.restore(a_file, force=True)


@pytest.fixture
def a_file(there: Place, tmp_path: Path) -> Path:
    """A backup of the right kind, as far as can be seen without unpacking it."""
    return written(tmp_path / "x.tar.gz", there)


def written(file: Path, place: Place, **changes: object) -> Path:
    """Write an archive without a database, whose manifest fits `place` but for `changes`."""
    database = database_of(place.engine)
    manifest = Manifest(
        created_at=AT,
        database=database.kind,
        server_version=database.version(),
        contents=Contents(
            revision="0001",
            programme="huangshi-2024",
            programme_name="",
            is_demonstration=False,
            tables={},
            audit=AuditEnd(entries=0, heads="0" * 64, sealed_on=None, seal=""),
        ),
        files={database.member: describe(Path(__file__))},
    )
    write_archive(file, manifest.model_copy(update=changes), {database.member: Path(__file__)})
    return file


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"server_version": 99}, r"当前服务器是较旧的 \d+"),
        ({"files": {}}, "其中没有数据库"),
        ({"format": 3}, "格式版本比本程序认识的（2）更新"),
    ],
)
def test_what_cannot_become_this_database_is_refused_at_once(
    there: Place, tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    file = written(tmp_path / "x.tar.gz", there, **changes)

    with pytest.raises(ArchiveRefusedError, match=why):
        there.restore(file)

    assert there.files() == {}


def test_a_backup_of_another_kind_of_database_is_refused(there: Place, tmp_path: Path) -> None:
    other = "sqlite" if there.engine.dialect.name == "postgresql" else "postgresql"
    file = written(tmp_path / "x.tar.gz", there, database=other)

    with pytest.raises(ArchiveRefusedError, match=r"它来自 .*，当前使用 .*，不能互相恢复"):
        there.restore(file)


def test_a_backup_of_a_newer_program_is_refused(
    here: Place, there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_on_sqlite(here)
    made = here.backup()
    monkeypatch.setattr(restoring, "is_known", lambda revision: False)

    with pytest.raises(ArchiveRefusedError, match="比本程序新，请先升级程序"):
        there.restore(made.file)


def test_a_backup_of_an_older_program_is_upgraded(there: Place, tmp_path: Path) -> None:
    only_on_sqlite(there)
    with there.engine.connect() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO programme (key, name, policy_version, is_demonstration, loaded_at)"
                " VALUES ('huangshi-2024', '试点', '1', false, '2024-01-01 00:00:00')"
            )
        )
        connection.commit()
    made = there.backup()
    newer = Place(tmp_path / "newer", make_engine(_sqlite_url(tmp_path / "newer" / "pilot.db")))

    restored = newer.restore(made.file)

    assert made.manifest.contents.revision == "0001"
    assert restored.is_upgraded
    assert not is_pending(newer.engine)
    assert is_pending(there.engine)
    assert [row[:2] for row in newer.dump()["programme"]] == [("huangshi-2024", "试点")]
    newer.engine.dispose()


def _sqlite_url(file: Path) -> URL:
    return URL.create("sqlite", database=str(file))


def test_what_is_written_while_the_present_is_being_backed_up_is_not_lost(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_on_sqlite(here)  # PostgreSQL keeps the old database
    made = here.backup()
    write_backup = restoring.write_backup

    def interrupted(*arguments, **options):  # type: ignore[no-untyped-def]
        done = write_backup(*arguments, **options)
        here.document(b"at the last moment", "最后.pdf")
        return done

    monkeypatch.setattr(restoring, "write_backup", interrupted)

    with pytest.raises(DatabaseInUseError):
        here.restore(made.file, force=True)

    assert "最后.pdf" in {row[1] for row in here.dump()["document"]}


def test_nobody_may_be_connected_to_what_is_replaced(here: Place, tmp_path: Path) -> None:
    if here.engine.dialect.name == "sqlite":
        pytest.skip("SQLite's own locks order them")
    file = written(tmp_path / "x.tar.gz", here)
    other = make_engine(here.engine.url)
    with other.connect() as connection:
        connection.execute(text("SELECT 1"))

        with pytest.raises(DatabaseInUseError):
            here.restore(file, force=True)
    other.dispose()


def test_a_damaged_file_is_replaced_by_force_and_kept(here: Place, there: Place) -> None:
    if here.engine.dialect.name == "postgresql":
        pytest.skip("about SQLite alone")
    made = here.backup()
    file = Path(str(there.engine.url.database))
    file.write_bytes(b"no database at all" * 1000)

    with pytest.raises(DatabaseDamagedError):
        there.restore(made.file)
    with pytest.raises(DatabaseDamagedError):
        there.backup()
    restored = there.restore(made.file, force=True)

    assert there.dump() == here.dump()
    [folder] = restored.put_aside
    assert (folder / file.name).read_bytes() == b"no database at all" * 1000


def test_a_program_that_has_the_old_file_open_sees_the_new_content(
    here: Place, there: Place, world: World
) -> None:
    if here.engine.dialect.name == "postgresql":
        pytest.skip("about SQLite alone")
    made = here.backup()
    world.open(OTHER_ENTERPRISE)
    connection = sqlite3.connect(str(here.engine.url.database))
    count = "SELECT count(*) FROM case_file"
    before = connection.execute(count).fetchone()

    here.restore(made.file, force=True)

    assert (before, connection.execute(count).fetchone()) == ((2,), (1,))
    connection.close()
