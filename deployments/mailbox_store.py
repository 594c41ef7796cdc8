"""The caught mails: one .eml file each, and what a list shows of them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parseaddr
from pathlib import Path
from uuid import uuid4

_NAME = re.compile(r"(\d{8}T\d{12})-[0-9a-f]{8}")
_STAMP = "%Y%m%dT%H%M%S%f"
_LONGEST_HEADER = 65536


class NoSuchMailError(LookupError):
    """No mail of that name has been caught."""

    def __init__(self, name: str) -> None:
        """Keep the name as it was asked for."""
        self.name = name
        super().__init__(f"no mail {name!r} in the mailbox")


@dataclass(frozen=True, kw_only=True)
class CaughtMail:
    """One caught mail, as a list shows it."""

    name: str
    #: When it arrived (machine time, UTC).
    at: datetime
    to_name: str
    to_address: str
    subject: str
    message_id: str
    size: int

    def holds(self, to: str, words: str) -> bool:
        """Return whether recipient and words (subject, recipient, Message-ID) match."""
        recipient = f"{self.to_name} {self.to_address}".lower()
        everything = f"{recipient} {self.subject} {self.message_id}".lower()
        return to.lower() in recipient and words.lower() in everything


class Mailbox:
    """A directory of caught mails; files may come and go while it is open."""

    def __init__(self, directory: Path) -> None:
        """Open `directory`, made when it is missing."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._known: dict[str, CaughtMail] = {}

    def keep(self, content: bytes) -> str:
        """Store a mail as it came and return its name; it is there whole or not at all."""
        name = f"{datetime.now(UTC).strftime(_STAMP)}-{uuid4().hex[:8]}"
        unfinished = self._directory / f"{name}.tmp"
        unfinished.write_bytes(content)
        unfinished.rename(self._path(name))
        return name

    def mails(self, *, to: str = "", words: str = "") -> list[CaughtMail]:
        """Return the mails that match, newest first."""
        names = sorted((path.stem for path in self._directory.glob("*.eml")), reverse=True)
        for name in self._known.keys() - set(names):
            del self._known[name]
        found = (self._summary(name) for name in names if _NAME.fullmatch(name))
        return [mail for mail in found if mail is not None and mail.holds(to, words)]

    def read(self, name: str) -> bytes:
        """Return a mail as it came; `NoSuchMailError` also for a name that is none of ours."""
        if not _NAME.fullmatch(name):
            raise NoSuchMailError(name)
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise NoSuchMailError(name) from None

    def summary(self, name: str) -> CaughtMail:
        """Return what a list shows of one mail; raises `NoSuchMailError`."""
        found = self._summary(name) if _NAME.fullmatch(name) else None
        if found is None:
            raise NoSuchMailError(name)
        return found

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.eml"

    def _summary(self, name: str) -> CaughtMail | None:
        known = self._known.get(name)
        if known is not None:
            return known
        path = self._path(name)
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                start = file.read(_LONGEST_HEADER)
        except FileNotFoundError:  # removed since the directory was read
            return None
        headers = dict(read_headers(start))
        to_name, to_address = parseaddr(raw_headers(start).get("to", ""))
        mail = self._known[name] = CaughtMail(
            name=name,
            at=datetime.strptime(name.partition("-")[0], _STAMP).replace(tzinfo=UTC),
            to_name=_decoded(to_name),
            to_address=to_address,
            subject=headers.get("Subject", ""),
            message_id=headers.get("Message-ID", ""),
            size=size,
        )
        return mail


def read_headers(content: bytes) -> list[tuple[str, str]]:
    """Return the headers of a mail in their order, decoded, each on one line."""
    parsed = BytesHeaderParser(policy=compat32).parsebytes(content)
    return [(name, _decoded(_unfolded(value))) for name, value in parsed.items()]


def raw_headers(content: bytes) -> dict[str, str]:
    """Return the headers of a mail by their names in lower case, as they were written."""
    parsed = BytesHeaderParser(policy=compat32).parsebytes(content)
    return {name.lower(): _unfolded(value) for name, value in parsed.items()}


def _unfolded(value: object) -> str:
    return " ".join(str(value).split())


def _decoded(value: str) -> str:
    """Return `value` with its RFC 2047 words read; as it is when they are broken."""
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value
