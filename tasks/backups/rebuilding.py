"""An archive made into a database again, beside the present one, and looked at from all sides."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from models.operations import audit
from tasks.backups.archive import document_member, unpack
from tasks.backups.databases import Database
from tasks.backups.manifest import Contents, Manifest, contents_of, documents_of
from tasks.database import reading
from tasks.migration import is_known, upgrade


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """A database made from an archive, brought up to date, and what is wrong with it."""

    engine: Engine
    manifest: Manifest
    is_upgraded: bool
    audit_entries: int
    faults: tuple[str, ...]


@contextmanager
def rebuilt(
    file: Path, database: Database, into: Path, name: str, *, keep_files: bool
) -> Iterator[Rebuilt]:
    """Restore the archive `file` into a scratch database and give it with all its faults.

    Every file's hash is checked; all but the database are written to the folder `into` only where
    they are to be kept. Raises `ArchiveRefusedError` for an archive that is damaged.
    """

    def place(member: str) -> Path | None:
        return into / member if keep_files or member == database.member else None

    manifest = unpack(file, place)
    with database.scratch(into / database.member, name) as engine:
        faults = [*_differences(engine, manifest), *database.unsound(engine)]
        is_upgraded, entries = False, 0
        if is_known(manifest.contents.revision):
            is_upgraded = upgrade(engine)
            with reading(engine) as session:
                entries, found = audit.verify(session)
            faults += [f"审计 {each.where}：{each.what}" for each in found]
        else:
            faults.append(f"数据库版本 {manifest.contents.revision} 比本程序新，无法核验")
        yield Rebuilt(
            engine=engine,
            manifest=manifest,
            is_upgraded=is_upgraded,
            audit_entries=entries,
            faults=tuple(faults),
        )


def _differences(engine: Engine, manifest: Manifest) -> list[str]:
    """Return where the database is not what the manifest says, and which documents it lacks."""
    with reading(engine) as session:
        connection = session.connection()
        found = contents_of(connection)
        if found is None:
            return ["还原后不是本系统的数据库"]
        lacking = [
            f"缺少附件“{document.name}”（{document.sha256}）"
            for document in documents_of(connection)
            if document_member(document.sha256) not in manifest.files
        ]
    return [*_unequal(found, manifest.contents), *lacking]


def _unequal(found: Contents, said: Contents) -> list[str]:
    if found == said:
        return []
    tables = sorted(found.tables.keys() | said.tables.keys())
    counts = [
        f"表 {name} 还原后 {found.tables.get(name, 0)} 行，应为 {said.tables.get(name, 0)} 行"
        for name in tables
        if found.tables.get(name) != said.tables.get(name)
    ]
    return counts or ["还原后的数据库与清单不符"]
