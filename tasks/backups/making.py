"""Make a backup while the instance runs, and believe in it only when it has been restored."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Engine

from models.operations.documents import document_path, sync_folder
from models.operations.programmes import NoProgrammeError
from models.rules.clock import SHANGHAI
from tasks.backups import office_files
from tasks.backups.archive import describe, document_member, write_archive
from tasks.backups.databases import database_of
from tasks.backups.manifest import Contents, Manifest, StoredDocument, contents_of, documents_of
from tasks.backups.rebuilding import rebuilt
from tasks.backups.refusals import FaultsError, NotOursError, TargetTakenError
from tasks.backups.workplace import Watch, name_for, working
from tasks.database import reading

_DO = "可修复后重试，或加 --despite-faults 仍然备份（清单会注明）"
#: How the name of a backup ends.
_ENDING = ".tar.gz"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A backup that has been restored once to see that it can be."""

    file: Path
    size: int
    manifest: Manifest
    audit_entries: int
    #: Not empty only where it was to be made despite faults.
    faults: tuple[str, ...]
    #: part -> seconds
    seconds: dict[str, float]


def make_backup(
    home: Path, on: Engine, to: Path | None, at: datetime, *, despite_faults: bool = False
) -> Backup:
    """Write a backup of the database `on`, the documents of `home` and the office's own files.

    It goes to the file or folder `to`, without one to the folder `backups` of the home. The file
    has its name only once it is complete, on the disk and verified; none that exists is
    overwritten. Raises a `PilotError`, leaving nothing behind, where anything is missing or wrong.
    """
    with working(home, "备份") as work:
        return write_backup(home, on, work, to, at, despite_faults=despite_faults)


def write_backup(
    home: Path,
    on: Engine,
    work: Path,
    to: Path | None,
    at: datetime,
    *,
    despite_faults: bool,
    stem: str = "pilot",
) -> Backup:
    """Do the work of `make_backup` in the folder `work`, which belongs to the caller."""
    watch = Watch()
    database = database_of(on)
    folder = _folder(home, to)
    copy = work / database.member
    if database.is_empty():
        raise NoProgrammeError
    # The database first: every document that it refers to was stored before its row was.
    with reading(on) as session:
        reader = session.connection()
        contents = contents_of(reader)
        if contents is None:
            raise NotOursError
        documents = documents_of(reader)
        database.copy(reader, copy)
    watch.lap("copy")
    sources = {database.member: copy}
    present, lacking = _documents(home / "documents", documents)
    office, left_out = office_files.collect(contents.programme, work / "office")
    lacking += left_out
    if lacking and not despite_faults:
        raise FaultsError(lacking, _DO)
    sources |= present | office
    manifest = Manifest(
        created_at=at,
        database=database.kind,
        server_version=database.version(),
        contents=contents,
        files={name: describe(source) for name, source in sources.items()},
        is_despite_faults=despite_faults,
    )
    watch.lap("check")
    # Beside its final place, under the same name every time: what a kill leaves, the next clears.
    draft = folder / f".{name_for(home, 'pilot-backup')}.part"
    draft.unlink(missing_ok=True)
    try:
        write_archive(draft, manifest, sources)
        copy.unlink()
        watch.lap("write")
        name = name_for(home, "scratch")
        with rebuilt(draft, database, work / "trial", name, keep_files=False) as trial:
            if trial.faults and not despite_faults:
                raise FaultsError(trial.faults, _DO)
        watch.lap("verify")
        file = _publish(draft, _names(folder, to, stem, contents, at))
    finally:
        draft.unlink(missing_ok=True)
    return Backup(
        file=file,
        size=file.stat().st_size,
        manifest=manifest,
        audit_entries=trial.audit_entries,
        faults=tuple(dict.fromkeys((*lacking, *trial.faults))),
        seconds=watch.seconds,
    )


def _folder(home: Path, to: Path | None) -> Path:
    """Return the folder in which the backup will lie; refuse what would be overwritten."""
    if to is None:
        folder = home / "backups"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
    if to.is_dir():
        return to
    if os.path.lexists(to):
        raise TargetTakenError(f"{to} 已存在，备份不覆盖任何文件，请换一个文件名")
    if not to.parent.is_dir():
        raise TargetTakenError(f"没有目录 {to.parent}，请先建立")
    if not to.name.endswith(_ENDING):
        raise TargetTakenError(f"没有目录 {to}，请先建立；若指文件，文件名须以 {_ENDING} 结尾")
    return to.parent


def _documents(store: Path, documents: list[StoredDocument]) -> tuple[dict[str, Path], list[str]]:
    """Return where each sound document lies, by its member's name, and what ails the others."""
    present, lacking = {}, []
    for document in documents:
        path = document_path(store, document.sha256)
        if not path.is_file():
            lacking.append(f"缺少附件“{document.name}”（{document.sha256}）")
        elif describe(path).sha256 != document.sha256:
            lacking.append(f"附件“{document.name}”的内容已被改动（{document.sha256}）")
        else:
            present[document_member(document.sha256)] = path
    return present, lacking


def _names(
    folder: Path, to: Path | None, stem: str, contents: Contents, at: datetime
) -> Iterator[Path]:
    """Give the names that the file may have, in the order in which they are tried."""
    if to is not None and not to.is_dir():
        yield to
        return
    base = f"{stem}-{contents.programme or 'empty'}-{at.astimezone(SHANGHAI):%Y%m%dT%H%M%S}"
    yield folder / f"{base}{_ENDING}"
    for number in count(2):
        yield folder / f"{base}-{number}{_ENDING}"


def _publish(draft: Path, names: Iterator[Path]) -> Path:
    """Give the finished file the first name that is free, at one stroke."""
    for name in names:
        try:
            os.link(draft, name)
        except FileExistsError:
            continue
        except OSError:
            # A file system without links (a memory stick): looked at first, then renamed.
            if os.path.lexists(name):
                continue
            os.rename(draft, name)
        sync_folder(name.parent)
        return name
    raise TargetTakenError("目标文件刚刚已由他人建立")
