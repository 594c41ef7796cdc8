"""What the operating system refuses, in the words of the person who asked for it."""

import errno
from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[int, str]] = {
    errno.ENOENT: "没有这个文件或目录",
    errno.ENOTDIR: "所在位置不是目录",
    errno.EISDIR: "这是一个目录",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "所在磁盘只能读取",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.ENAMETOOLONG: "文件名太长",
    errno.EEXIST: "已有同名文件",
    errno.ETXTBSY: "文件正被使用",
    errno.EBUSY: "文件正被使用",
    errno.EIO: "磁盘读写出错",
}


def system_reason(error: OSError) -> str:
    """Return why the system refused; what is rare stays in its own words."""
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)
