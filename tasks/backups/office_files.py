"""What an office keeps in files of its own, outside the home: its policy, the words of its mails.

With them a restored database gives the same answers again. They are never restored over what an
office has there now: where the two differ, those of the backup are put beside, and it is said.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from models.operations.documents import sync_folder
from models.rules.system_errors import system_reason
from tasks.backups.manifest import FileEntry, Manifest

#: Larger or more than any office writes by hand.
_LARGEST: Final = 1024 * 1024
_MOST: Final = 500

#: In an archive `policy/<programme>/money.toml`, `templates/item_opened/body.txt`.
MEMBER: Final = (
    r"policy/[a-z0-9][a-z0-9-]{0,60}/[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,100}\.toml"
    r"|templates/[a-z_]{1,60}/[a-z]{1,30}\.(txt|html)"
)
_IS_MEMBER: Final = re.compile(MEMBER)


@dataclass(frozen=True)
class Kind:
    """One folder that a setting names."""

    #: Its folder in an archive.
    key: str
    label: str
    variable: str


KINDS: Final = (
    Kind("policy", "政策文件", "PILOT_POLICY_DIR"),
    Kind("templates", "邮件模板", "PILOT_TEMPLATE_DIR"),
)


@dataclass(frozen=True, kw_only=True)
class Differing:
    """Files of one kind that are not now as they were when the backup was made."""

    kind: Kind
    #: Where those of the backup were put; None where it has none.
    folder: Path | None

    def __str__(self) -> str:
        """What to know and what to do, as a person reads it."""
        label, variable = self.kind.label, self.kind.variable
        if self.folder is None:
            return (
                f"备份时没有自己的{label}，现在有（{variable}）；要与备份时一致，请不设 {variable}"
            )
        return (
            f"备份中的{label}与现用的不同，已放在 {self.folder}，现用的未动；"
            f"要与备份时一致，请设 {variable}={self.folder}"
        )


def collect(programme: str | None, into: Path) -> tuple[dict[str, Path], list[str]]:
    """Copy the office's files to `into`: they may be edited while the backup is being written.

    Returns where each lies by its member's name, and what ails those that are left out.
    """
    copied: dict[str, Path] = {}
    ailing = []
    for member, source in _present(programme):
        to = into / member
        try:
            if len(copied) == _MOST or source.stat().st_size > _LARGEST:
                ailing.append(f"{source} 过大或文件过多，不像是手写的政策文件或邮件模板")
                continue
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, to)
        except OSError as error:
            ailing.append(f"{source} 无法读取（{system_reason(error)}）")
            continue
        copied[member] = to
    return copied, ailing


@contextmanager
def put_beside(manifest: Manifest, unpacked: Path, beside: Path) -> Iterator[list[Differing]]:
    """Move what differs from the office's present files to `beside`, and give what that is.

    It goes first, and goes again where the database then refuses to be replaced. Of a backup of the
    first format, which had no such files, nothing can be said.
    """
    differing = []
    for kind in KINDS if manifest.format > 1 else ():
        wanted = members_of(manifest, kind)
        if wanted == _digests(kind, manifest.contents.programme):
            continue
        folder = None
        if wanted:
            folder = beside / kind.key
            beside.mkdir(mode=0o700, exist_ok=True)
            os.rename(unpacked / kind.key, folder)
            sync_folder(beside)
        differing.append(Differing(kind=kind, folder=folder))
    try:
        yield differing
    except BaseException:
        for each in differing:
            if each.folder is not None:
                shutil.rmtree(each.folder)
        raise


def members_of(manifest: Manifest, kind: Kind) -> Mapping[str, FileEntry]:
    """Return the files of that kind in a backup."""
    return {
        name: entry for name, entry in manifest.files.items() if name.startswith(f"{kind.key}/")
    }


def _digests(kind: Kind, programme: str | None) -> dict[str, FileEntry]:
    found = {}
    for member, source in _present(programme):
        if member.startswith(f"{kind.key}/"):
            content = source.read_bytes()
            found[member] = FileEntry(sha256=sha256(content).hexdigest(), size=len(content))
    return found


def _present(programme: str | None) -> Iterator[tuple[str, Path]]:
    """Give the files that the settings lead to, each with the name of its member.

    Those that no programme and no mail would read are none: an editor's, a note beside them.
    """
    for kind in KINDS:
        given = os.environ.get(kind.variable)
        if not given:
            continue
        folder = Path(given)
        if kind.key == "policy" and not (folder / (programme or "-") / "programme.toml").is_file():
            continue  # the built-in ones are in force
        for source in sorted(folder.glob("*/*")):
            member = f"{kind.key}/{source.parent.name}/{source.name}"
            is_ours = kind.key != "policy" or source.parent.name == programme
            if is_ours and _IS_MEMBER.fullmatch(member) and source.is_file():
                yield member, source
