"""Put a backup in the place of what is there, wholly or not at all."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from models.operations.documents import document_path, sync_folder
from models.operations.mail_lists import mail_health
from models.policy import load_programme
from models.rules.clock import SHANGHAI
from tasks.backups import office_files
from tasks.backups.archive import read_manifest
from tasks.backups.databases import Database, database_of
from tasks.backups.making import Backup, write_backup
from tasks.backups.manifest import Manifest, contents_of
from tasks.backups.office_files import Differing
from tasks.backups.rebuilding import Rebuilt, rebuilt
from tasks.backups.refusals import (
    ArchiveRefusedError,
    DatabaseDamagedError,
    FaultsError,
    NotOursError,
    TargetTakenError,
)
from tasks.backups.workplace import Watch, name_for, working
from tasks.database import reading
from tasks.migration import is_known

_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What stands now, and where that which stood there before is kept."""

    manifest: Manifest
    is_upgraded: bool
    audit_entries: int
    #: Mails that the copy still held as unsent: they go out when the dispatcher starts.
    waiting_mails: int
    faults: tuple[str, ...]
    safety: Backup | None
    #: PostgreSQL keeps the old database under this name.
    old_database: str | None
    #: Folders with what was moved away: a damaged database, Prefect's state.
    put_aside: tuple[Path, ...]
    #: Policy and mail templates of the office that are not now as they were.
    differing: tuple[Differing, ...]
    #: part -> seconds
    seconds: dict[str, float]


def restore_backup(
    file: Path, home: Path, on: Engine, at: datetime, *, force: bool = False
) -> Restored:
    """Restore the backup `file` into the database `on` and the documents of `home`.

    The caller makes sure that no instance runs there. All is prepared and verified beside what is
    there; then the documents are added (by their content: they hurt nobody), and the database is
    replaced at one stroke. Killed at any point, the old state or the new one stands. Where there
    is something already it is refused, and with `force` backed up first.
    """
    manifest = read_manifest(file)
    database = database_of(on)
    _require_fitting(file, manifest, database)
    watch = Watch()
    stamp = f"{at.astimezone(SHANGHAI):%Y%m%dT%H%M%S}"
    with working(home, "恢复") as work, ExitStack() as stack:
        is_empty, is_damaged = _look(on, database, force=force)
        name = name_for(home, "restore")
        new = stack.enter_context(rebuilt(file, database, work / "new", name, keep_files=True))
        if new.faults and not new.manifest.is_despite_faults:
            raise FaultsError(new.faults, "备份文件不能使用，未改变任何内容")
        with reading(new.engine) as session:
            waiting = mail_health(session).waiting
        watch.lap("prepare")
        safety, last_look = None, lambda: None
        if not is_empty and not is_damaged:
            last_look = stack.enter_context(database.watched())
            safety = write_backup(
                home, on, work, None, at, despite_faults=True, stem="before-restore"
            )
            watch.lap("safety")
        _add_documents(new, work / "new", home / "documents")
        aside = []
        if is_damaged:
            aside.append(home / f"damaged-{stamp}")
            database.put_aside(aside[0])
        with (
            office_files.put_beside(
                new.manifest, work / "new", home / f"restored-{stamp}"
            ) as differing,
            _prefect_aside(home, home / f"prefect-before-{stamp}") as moved,
        ):
            old = database.replace(new.engine, stamp, last_look)
        aside += moved
        watch.lap("replace")
    return Restored(
        manifest=new.manifest,
        is_upgraded=new.is_upgraded,
        audit_entries=new.audit_entries,
        waiting_mails=waiting,
        faults=new.faults,
        safety=safety,
        old_database=old,
        put_aside=tuple(aside),
        differing=tuple(differing),
        seconds=watch.seconds,
    )


def _require_fitting(file: Path, manifest: Manifest, database: Database) -> None:
    """Refuse what cannot become this database."""
    if manifest.database != database.kind:
        made, here = _KINDS[manifest.database], _KINDS[database.kind]
        why = f"它来自 {made}，当前使用 {here}，不能互相恢复；请改用 {made}"
        raise ArchiveRefusedError(file, why)
    if manifest.server_version > database.version():
        why = (
            f"它来自 {_KINDS[database.kind]} {manifest.server_version}，"
            f"当前服务器是较旧的 {database.version()}"
        )
        raise ArchiveRefusedError(file, why)
    if database.member not in manifest.files:
        raise ArchiveRefusedError(file, "其中没有数据库")
    if not is_known(manifest.contents.revision):
        why = f"数据库版本 {manifest.contents.revision} 比本程序新，请先升级程序"
        raise ArchiveRefusedError(file, why)
    if manifest.contents.programme is not None:
        load_programme(manifest.contents.programme)  # its figures must be here, too


def _look(on: Engine, database: Database, *, force: bool) -> tuple[bool, bool]:
    """Return whether the place is empty, and whether what is there cannot be read."""
    try:
        is_empty = database.is_empty()
    except DatabaseDamagedError:
        if not force:
            raise
        return False, True
    if is_empty:
        return True, False
    if not force:
        raise TargetTakenError("目标数据库中已有内容；确要替换请加 --force，现有内容会先自动备份")
    with reading(on) as session:
        if contents_of(session.connection()) is None:
            raise NotOursError
    database.require_free()
    return False, False


@contextmanager
def _prefect_aside(home: Path, aside: Path) -> Iterator[list[Path]]:
    """Move Prefect's own state away: its forms belong to items of another past.

    It is rebuilt from the database at the next start, whichever of the two stands there then, so
    it goes first; it comes back where the database refuses to be replaced.
    """
    present = home / "prefect"
    if not present.is_dir():
        yield []
        return
    os.rename(present, aside)
    try:
        yield [aside]
    except BaseException:
        os.rename(aside, present)
        raise


def _add_documents(new: Rebuilt, unpacked: Path, store: Path) -> None:
    """Put the documents where their content says; the same bytes may be there already."""
    folders = {store}
    for name, entry in new.manifest.files.items():
        if not name.startswith("documents/"):
            continue
        final = document_path(store, entry.sha256)
        final.parent.mkdir(parents=True, exist_ok=True)
        os.replace(unpacked / name, final)
        folders.add(final.parent)
    for folder in folders:
        if folder.is_dir():
            sync_folder(folder)
