"""Files that belong to an answer, stored once by their content."""

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType, TracebackType
from typing import Self

from sqlmodel import Session

from models.rules.errors import PilotError
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
            raise DocumentRefusedError(self.name, f"无法读取或保存（{error.strerror}）") from error
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
        """Put the file where its content says; return its row, the earlier one if known already."""
        final = document_path(self._store, self.sha256)
        final.parent.mkdir(parents=True, exist_ok=True)
        if self._provisional is not None:
            # The same bytes may be there already; replacing them by themselves is harmless.
            os.replace(self._provisional, final)
            self._provisional = None
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


def _media_type(source: Path) -> str:
    if not source.is_file():
        raise DocumentRefusedError(source.name, "没有这个文件")
    ending = source.suffix.lower()
    if ending not in MEDIA_TYPES:
        allowed = "、".join(each.removeprefix(".") for each in MEDIA_TYPES)
        raise DocumentRefusedError(source.name, f"只接受 {allowed} 文件")
    return MEDIA_TYPES[ending]
