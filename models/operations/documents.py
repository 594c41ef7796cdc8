"""Files that belong to an answer, stored once by their content."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType, TracebackType
from typing import Self

from sqlmodel import Session, col, select

from models.rules.errors import PilotError
from models.rules.system_errors import system_reason
from models.tables.records import Document

LARGEST_DOCUMENT = 50 * 1024 * 1024

#: Endings that are taken in. Named here, not asked of the machine, which may not know them.
MEDIA_TYPES = MappingProxyType(
    {
        ".pdf": "application/pdf",
        ".ofd": "application/ofd",
        ".doc": "application/msword",
        ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ".xls": "application/vnd.ms-excel",
        ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
        ".zip": "application/zip",
    }
)
_BLOCK = 1024 * 1024


class DocumentRefusedError(PilotError):
    """A file that cannot be taken in."""

    def __init__(self, name: str, why: str) -> None:
        """Name the file and say why."""
        self.name = name
        super().__init__(f"附件“{name}”不能使用：{why}")


class IncomingDocument:
    """A file copied into the store under a provisional name: kept, or gone when the block ends.

    It is on the disk, whole and flushed, before the answer that names it is recorded: a full disk
    is found out in time, and a refused answer leaves nothing behind.
    """

    def __init__(self, store: Path, source: Path) -> None:
        """Copy `source`; `DocumentRefusedError` for what is no document."""
        self.name = source.name
        self.media_type = _media_type(source)
        self._store = store
        self._provisional: Path | None = None
        try:
            self.sha256, self.size = self._copy(source)
        except OSError as error:
            self._discard()
            raise DocumentRefusedError(
                self.name, f"无法读取或保存（{system_reason(error)}）"
            ) from error
        if not 0 < self.size <= LARGEST_DOCUMENT:
            self._discard()
            why = f"超过 {LARGEST_DOCUMENT // 1024 // 1024} MB" if self.size else "是空文件"
            raise DocumentRefusedError(self.name, why)

    def __enter__(self) -> Self:
        """Give the document itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was not kept."""
        self._discard()

    def keep(self, session: Session, at: datetime) -> Document:
        """Put the file where its content says; return its row, the earlier one if known already.

        The last thing to do in the transaction of what it belongs to: the file is in its place
        before its row is, so there is no row without a file. A file whose transaction failed or
        was killed hurts nobody; `pilot doctor` tells of it.
        """
        try:
            self._place()
        except OSError as error:
            raise DocumentRefusedError(self.name, f"无法保存（{system_reason(error)}）") from error
        known = session.get(Document, self.sha256)
        if known is not None:
            return known
        row = Document(
            sha256=self.sha256,
            name=self.name,
            media_type=self.media_type,
            size=self.size,
            stored_at=at,
        )
        session.add(row)
        session.flush()
        return row

    def _place(self) -> None:
        if self._provisional is None:
            return
        final = document_path(self._store, self.sha256)
        final.parent.mkdir(parents=True, exist_ok=True)
        # The same bytes may be there already; replacing them by themselves is harmless.
        os.replace(self._provisional, final)
        self._provisional = None
        for folder in (final.parent, self._store):
            sync_folder(folder)

    def _copy(self, source: Path) -> tuple[str, int]:
        """Copy at most one block more than is allowed; return hash and size."""
        self._store.mkdir(parents=True, exist_ok=True)
        digest, size = sha256(), 0
        with (
            source.open("rb") as given,
            NamedTemporaryFile(dir=self._store, prefix="incoming-", delete=False) as taken,
        ):
            self._provisional = Path(taken.name)
            while size <= LARGEST_DOCUMENT and (block := given.read(_BLOCK)):
                digest.update(block)
                size += len(block)
                taken.write(block)
            taken.flush()
            os.fsync(taken.fileno())
        return digest.hexdigest(), size

    def _discard(self) -> None:
        if self._provisional is not None:
            self._provisional.unlink(missing_ok=True)
            self._provisional = None


def document_path(store: Path, digest: str) -> Path:
    """Return where the document with that SHA-256 lies in `store`."""
    return store / digest[:2] / digest


@dataclass(frozen=True, kw_only=True)
class StoreFaults:
    """Where the store and the rows that describe it differ."""

    #: Documents whose file is not there, or not of its size.
    missing: list[Document]
    #: Files that no row knows: what was being handed in when the machine stopped.
    strays: list[Path]


def store_faults(session: Session, store: Path, *, settled_before: datetime) -> StoreFaults:
    """Compare the documents in `store` with their rows, by name and size alone.

    Files written since `settled_before` may belong to an answer that is on its way.
    """
    files = {}
    for path in sorted(store.rglob("*")):
        with suppress(FileNotFoundError):  # put in its place, or given up, just now
            if not path.is_dir():
                files[path] = path.stat()
    rows = session.exec(select(Document).order_by(col(Document.sha256))).all()
    places = {document_path(store, row.sha256): row for row in rows}
    return StoreFaults(
        missing=[
            row
            for path, row in places.items()
            if path not in files or files[path].st_size != row.size
        ],
        strays=[
            path
            for path, found in files.items()
            if path not in places and found.st_mtime < settled_before.timestamp()
        ],
    )


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk, not only what they name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _media_type(source: Path) -> str:
    if not source.is_file():
        raise DocumentRefusedError(source.name, "没有这个文件")
    ending = source.suffix.lower()
    if ending not in MEDIA_TYPES:
        allowed = "、".join(each.removeprefix(".") for each in MEDIA_TYPES)
        raise DocumentRefusedError(source.name, f"只接受 {allowed} 文件")
    return MEDIA_TYPES[ending]
