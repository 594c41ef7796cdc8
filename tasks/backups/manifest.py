"""What a backup says of itself, and the state of a database that it is compared with."""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Final, Literal

from alembic.runtime.migration import MigrationContext
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, inspect, select, text

from models.tables.audit import AuditSeal, RegisterEntry
from models.tables.case import Case
from models.tables.programme import ProgrammeRow
from models.tables.records import Document

#: Raised when an older program could no longer read what is written.
FORMAT: Final = 2

Kind = Literal["sqlite", "postgresql"]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_programme = ProgrammeRow.metadata.tables["programme"]
_case = Case.metadata.tables["case_file"]
_register = RegisterEntry.metadata.tables["register_entry"]
_seal = AuditSeal.metadata.tables["audit_seal"]
_document = Document.metadata.tables["document"]


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Plain):
    """One file of a backup."""

    sha256: Digest
    size: Annotated[int, Field(ge=0)]


class AuditEnd(_Plain):
    """Where the audit trail ends: its length, and one hash over the heads of all chains."""

    entries: int
    heads: Digest
    sealed_on: date | None
    seal: str


class Contents(_Plain):
    """What a database holds, in figures that a copy of it must have, too."""

    revision: str
    #: None in a database whose tables have been made and no more.
    programme: str | None
    programme_name: str
    is_demonstration: bool
    #: table -> rows
    tables: dict[str, int]
    audit: AuditEnd


class Manifest(_Plain):
    """The first member of a backup; the others are its `files`."""

    #: 1 had no files of an office.
    format: Literal[1, 2] = FORMAT
    created_at: datetime
    database: Kind
    #: Of the database's software: a dump goes into the same or a newer one.
    server_version: int
    contents: Contents
    files: dict[str, FileEntry]
    #: Made although something was missing or wrong: whoever restores it is told, not refused.
    is_despite_faults: bool = False

    @property
    def documents(self) -> int:
        """How many documents are in it."""
        return sum(name.startswith("documents/") for name in self.files)


class StoredDocument(_Plain):
    """A document as its row describes it."""

    sha256: str
    name: str
    size: int


def contents_of(connection: Connection) -> Contents | None:
    """Return what the database holds; None where it is not a database of ours.

    It reads columns that every revision has, so a database of an older one can be backed up before
    it is upgraded.
    """
    names = sorted(inspect(connection).get_table_names())
    needed = {"alembic_version", *(table.name for table in (_programme, _case, _seal, _document))}
    revision = MigrationContext.configure(connection).get_current_revision()
    if not needed <= set(names) or revision is None:
        return None
    quote = connection.dialect.identifier_preparer.quote
    programme = connection.execute(
        select(_programme.c.key, _programme.c.name, _programme.c.is_demonstration)
    ).first()
    tables = {
        name: int(connection.execute(text(f"SELECT count(*) FROM {quote(name)}")).scalar_one())  # noqa: S608 -- a table's own name
        for name in names
    }
    key, label, is_demonstration = programme or (None, "", False)
    return Contents(
        revision=revision,
        programme=key,
        programme_name=label,
        is_demonstration=is_demonstration,
        tables=tables,
        audit=_audit_end(connection, tables),
    )


def _audit_end(connection: Connection, tables: Mapping[str, int]) -> AuditEnd:
    heads = sha256()
    if _register.name in tables:  # the first revision had none
        last = select(_register.c.number, _register.c.hash).order_by(_register.c.number.desc())
        heads.update(repr(tuple(connection.execute(last.limit(1)).first() or ())).encode())
    for head in sorted(
        tuple(row)
        for row in connection.execute(
            select(_case.c.case_no, _case.c.audit_length, _case.c.audit_head)
        )
    ):
        heads.update(repr(head).encode())
    seal = connection.execute(
        select(_seal.c.day, _seal.c.hash).order_by(_seal.c.day.desc()).limit(1)
    ).first()
    sealed_on, sealed = seal or (None, "")
    return AuditEnd(
        entries=tables["audit_entry"] + tables.get(_register.name, 0),
        heads=heads.hexdigest(),
        sealed_on=sealed_on,
        seal=sealed,
    )


def documents_of(connection: Connection) -> list[StoredDocument]:
    """Return every document that the database refers to."""
    rows = connection.execute(
        select(_document.c.sha256, _document.c.name, _document.c.size).order_by(_document.c.sha256)
    )
    return [StoredDocument(sha256=digest, name=name, size=size) for digest, name, size in rows]
