"""Backups that are made while others write, are complete, and overwrite nothing."""

import stat
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import text
from sqlmodel import select

from models.operations.audit import verify
from models.operations.programmes import NoProgrammeError
from models.rules.errors import PilotError
from models.tables.audit import AuditEntry
from tasks.backups import postgresql
from tasks.backups.archive import read_manifest, unpack
from tasks.backups.manifest import contents_of
from tasks.backups.postgresql import ProgramMissingError
from tasks.backups.refusals import BusyError, FaultsError, NotOursError, TargetTakenError
from tasks.backups.workplace import working
from tasks.database import make_engine, reading, transaction
from tests.builders import World
from tests.tasks.backups.conftest import Place, only_on_sqlite


def chains(place: Place) -> dict[str, list[str]]:
    """Return the hashes of every case's chain."""
    found: dict[str, list[str]] = {}
    with reading(place.engine) as session:
        for entry in session.exec(select(AuditEntry).order_by("case_no", "number")):
            found.setdefault(entry.case_no, []).append(entry.hash)
    return found


def test_while_answers_come_in_a_copy_is_one_moment_of_the_original(
    here: Place, there: Place, world: World
) -> None:
    written, stop = [0], Event()

    def write() -> None:
        while not stop.is_set():
            case_no = world.open(world.register_enterprise())
            for _ in range(3):
                world.answer(case_no)
                written[0] += 1

    writer = Thread(target=write)
    writer.start()
    try:
        before = written[0]
        made = [here.backup() for _ in range(3 if here.engine.dialect.name == "sqlite" else 1)]
        during = written[0] - before
    finally:
        stop.set()
        writer.join()
    there.restore(made[-1].file)

    assert during > 0, "nobody wrote meanwhile"
    with reading(there.engine) as session:
        checked, faults = verify(session)
        assert (checked, faults) == (made[-1].audit_entries, [])
        assert contents_of(session.connection()) == made[-1].manifest.contents
    whole, copied = chains(here), chains(there)
    assert copied
    assert all(whole[case_no][: len(chain)] == chain for case_no, chain in copied.items())
    assert [each.audit_entries for each in made] == sorted(each.audit_entries for each in made)


def test_a_backup_holds_database_and_documents_and_is_for_its_owner_alone(here: Place) -> None:
    only_on_sqlite(here)
    made = here.backup()

    assert made.file.parent == here.home / "backups"
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert (made.manifest.documents, made.faults) == (2, ())
    assert made.manifest.contents.programme == "huangshi-2024"
    assert made.manifest.contents.tables["document"] == 2
    assert read_manifest(made.file) == unpack(made.file, lambda name: None) == made.manifest
    assert list(made.seconds) == ["copy", "check", "write", "verify"]
    assert [path.name for path in here.home.iterdir() if "work" in path.name] == []


def test_no_backup_overwrites_another(here: Place, tmp_path: Path) -> None:
    only_on_sqlite(here)
    first, second = here.backup(tmp_path), here.backup(tmp_path)
    taken = tmp_path / "taken.tar.gz"
    taken.write_bytes(b"important")

    with pytest.raises(TargetTakenError, match="已存在"):
        here.backup(taken)
    with pytest.raises(TargetTakenError, match="没有目录"):
        here.backup(tmp_path / "none" / "x.tar.gz")
    # Somebody means a folder that is not there: a file of that name would not be looked for.
    with pytest.raises(TargetTakenError, match=r"没有目录.*若指文件，文件名须以 \.tar\.gz 结尾"):
        here.backup(tmp_path / "usb")
    assert not (tmp_path / "usb").exists()

    assert first.file.name == "pilot-huangshi-2024-20260302T093000.tar.gz"
    assert second.file.name == "pilot-huangshi-2024-20260302T093000-2.tar.gz"
    assert taken.read_bytes() == b"important"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_document_that_is_missing_or_altered_is_reported(here: Place, tmp_path: Path) -> None:
    only_on_sqlite(here)
    here.document(b"gone", "遗失.pdf").unlink()
    here.document(b"altered", "改动.pdf").write_bytes(b"ALTERED")
    out = tmp_path / "x.tar.gz"

    with pytest.raises(FaultsError) as refused:
        here.backup(out)
    made = here.backup(out, despite_faults=True)

    assert "缺少附件“遗失.pdf”" in str(refused.value)
    assert "附件“改动.pdf”的内容已被改动" in str(refused.value)
    assert len(refused.value.faults) == 2
    assert set(refused.value.faults) < set(made.faults)
    assert (made.file, made.manifest.documents) == (out, 2)


def test_a_trail_that_was_tampered_with_makes_no_good_backup(here: Place, tmp_path: Path) -> None:
    only_on_sqlite(here)
    with transaction(here.engine) as session:
        session.execute(text("UPDATE case_file SET audit_head = 'x' || substr(audit_head, 2)"))

    with pytest.raises(FaultsError, match="链尾与案卷记录不符"):
        here.backup(tmp_path / "x.tar.gz")

    assert list(tmp_path.glob("*.tar.gz")) == []


def test_nothing_and_what_is_not_ours_is_not_backed_up(there: Place) -> None:
    with pytest.raises(NoProgrammeError):
        there.backup()
    with there.engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))
    with pytest.raises(NotOursError):
        there.backup()


def test_there_is_one_backup_at_a_time_on_a_home(here: Place) -> None:
    only_on_sqlite(here)
    with working(here.home, "备份"), pytest.raises(BusyError, match="正在进行"):
        here.backup()

    assert here.backup().file.exists()


def test_without_the_servers_programs_it_says_what_to_install(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if here.engine.dialect.name == "sqlite":
        pytest.skip("about PostgreSQL alone")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError, match=r"需要 pg_dump（\d+ 或更高版本）：PATH 中没有"):
        here.backup()
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(ProgramMissingError, match=r"现有的是 pg_dump \(PostgreSQL\) 9\.6\.24"):
        here.backup()


def test_the_password_is_given_in_the_environment_and_in_no_argument(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if here.engine.dialect.name == "sqlite":
        pytest.skip("about PostgreSQL alone")
    told = tmp_path / "told"
    spy = tmp_path / "pg_dump"
    spy.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.0"; exit; }\n'
        f'echo "$PGPASSWORD|$PGAPPNAME|$*" > {told}\nexit 1\n'
    )
    spy.chmod(0o755)
    monkeypatch.setattr(postgresql.shutil, "which", lambda name: str(spy))
    url = here.engine.url.set(password="geheim").update_query_dict({"application_name": "x"})
    engine = make_engine(url)

    with pytest.raises(PilotError) as refused:
        Place(here.home, engine).backup()
    engine.dispose()

    password, application, arguments = told.read_text().split("|")
    assert (password, application) == ("geheim", "x")
    assert "geheim" not in arguments + str(refused.value)
