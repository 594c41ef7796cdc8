"""The file a backup is: a gzipped tar whose first member says what all others are."""

import gzip
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from tasks.backups import office_files
from tasks.backups.manifest import FORMAT, FileEntry, Manifest
from tasks.backups.refusals import ArchiveRefusedError

_MANIFEST: Final = "manifest.json"
#: A manifest of a million documents is smaller.
_LARGEST_MANIFEST: Final = 256 * 1024 * 1024
#: Documents are compressed already, and the rest is text: the fastest level does most of the work.
_LEVEL: Final = 1
_BLOCK: Final = 1024 * 1024
#: The only names that are ever written to the disk: no member can lead out of its folder.
_NAME: Final = re.compile(
    r"database\.(sqlite|dump)|documents/(?P<start>[0-9a-f]{2})/(?P<digest>(?P=start)[0-9a-f]{62})|"
    + office_files.MEMBER
)
_BROKEN: Final = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)

#: Where a file of the archive is written; None where it is only to be checked.
Place = Callable[[str], Path | None]


def document_member(digest: str) -> str:
    """Return the name that a document has in an archive."""
    return f"documents/{digest[:2]}/{digest}"


def describe(file: Path) -> FileEntry:
    """Return size and hash of `file`."""
    digest, size = sha256(), 0
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return FileEntry(sha256=digest.hexdigest(), size=size)


def write_archive(to: Path, manifest: Manifest, sources: Mapping[str, Path]) -> None:
    """Write `to`, which must not exist: readable by its owner alone, and on the disk at the end.

    Raises `OSError`, also where a source has become shorter than the manifest says.
    """
    handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(handle, "wb") as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw) as packed,
        tarfile.open(mode="w|", fileobj=packed) as tar,
    ):
        head = manifest.model_dump_json(indent=1).encode()
        tar.addfile(_member(_MANIFEST, len(head), manifest), io.BytesIO(head))
        for name, entry in manifest.files.items():
            with sources[name].open("rb") as source:
                tar.addfile(_member(name, entry.size, manifest), source)
        tar.close()
        packed.close()
        raw.flush()
        os.fsync(raw.fileno())


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    member.mtime = int(manifest.created_at.timestamp())
    return member


def read_manifest(file: Path) -> Manifest:
    """Return what the archive says of itself; `ArchiveRefusedError` for what is none."""
    with _opened(file) as (manifest, _tar, _packed):
        return manifest


def unpack(file: Path, place: Place) -> Manifest:
    """Read the whole archive, check every file's hash, and write each to its `place`.

    Raises `ArchiveRefusedError` for one that is cut short, altered, or holds what it must not.
    """
    with _opened(file) as (manifest, tar, packed):
        left = dict(manifest.files)
        while (member := tar.next()) is not None:
            entry = left.pop(member.name, None)
            if entry is None or not member.isreg():
                raise ArchiveRefusedError(file, f"含有清单之外的内容（{member.name[:100]}）")
            content = tar.extractfile(member)
            if content is None or not _matches(content, entry, place(member.name)):
                raise ArchiveRefusedError(file, f"{member.name} 与清单中的校验值不符，文件已损坏")
        if left:
            raise ArchiveRefusedError(
                file, f"缺少 {len(left)} 个文件（{next(iter(left))}），不完整"
            )
        # Only at its very end does gzip say whether anything was lost on the way.
        while packed.read(_BLOCK):
            pass
    return manifest


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Manifest, tarfile.TarFile, gzip.GzipFile]]:
    if not file.is_file():
        raise ArchiveRefusedError(file, "没有这个文件")
    try:
        with (
            file.open("rb") as raw,
            gzip.GzipFile(fileobj=raw) as packed,
            tarfile.open(mode="r|", fileobj=packed) as tar,
        ):
            yield _manifest(file, tar), tar, packed
    except _BROKEN:
        raise ArchiveRefusedError(file, "不是备份文件，或已截断、损坏") from None


def _manifest(file: Path, tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    if member is None or member.name != _MANIFEST or not 0 < member.size < _LARGEST_MANIFEST:
        raise ArchiveRefusedError(file, "不是备份文件")
    content = tar.extractfile(member)
    said = content.read() if content is not None else b""
    try:
        manifest = Manifest.model_validate_json(said)
    except ValidationError as error:
        if any(each["loc"] == ("format",) for each in error.errors()):
            why = f"格式版本比本程序认识的（{FORMAT}）更新，请先升级程序"
            raise ArchiveRefusedError(file, why) from None
        raise ArchiveRefusedError(file, "清单无法读取") from None
    for name, entry in manifest.files.items():
        known = _NAME.fullmatch(name)
        if known is None or known["digest"] not in (None, entry.sha256):
            raise ArchiveRefusedError(file, f"清单中有不该有的文件名（{name[:100]}）")
    return manifest


def _matches(content: IO[bytes], entry: FileEntry, to: Path | None) -> bool:
    digest, size = sha256(), 0
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
    with open(to or os.devnull, "wb") as out:
        while block := content.read(_BLOCK):
            digest.update(block)
            size += len(block)
            if size > entry.size:
                return False
            out.write(block)
        out.flush()
        if to is not None:
            os.fsync(out.fileno())
    return (digest.hexdigest(), size) == (entry.sha256, entry.size)
