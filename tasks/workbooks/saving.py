"""A file appears whole or not at all, and never in the place of another one by mistake."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkstemp

from models.rules.system_errors import system_reason
from tasks.workbooks.refusals import CannotWriteError, FileExistsAlreadyError


def require_free(path: Path, *, force: bool) -> None:
    """Raise `CannotWriteError` where no file can be made at `path`.

    `FileExistsAlreadyError` where a file is in the way and may not be replaced.
    """
    if not path.parent.is_dir():
        raise CannotWriteError(path, "目录不存在")
    if path.is_dir():
        raise CannotWriteError(path, "这是一个目录")
    if not os.access(path.parent, os.W_OK):
        raise CannotWriteError(path, "没有写入权限")
    if not force and path.exists():
        raise FileExistsAlreadyError(path)


def save_whole(path: Path, write: Callable[[Path], None], *, force: bool = False) -> None:
    """Let `write` fill a new file beside `path`, then give it that name in one step.

    Whatever fails before leaves `path` as it was and no half a file behind.
    """
    require_free(path, force=force)
    try:
        handle, name = mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise CannotWriteError(path, system_reason(error)) from None
    fresh = Path(name)
    try:
        write(fresh)
        fresh.chmod(0o666 & ~_umask())
        with fresh.open("rb") as stream:
            os.fsync(stream.fileno())
        require_free(path, force=force)
        fresh.replace(path)
    except OSError as error:
        raise CannotWriteError(path, system_reason(error)) from None
    finally:
        fresh.unlink(missing_ok=True)


def _umask() -> int:
    """Return the mask for new files, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
