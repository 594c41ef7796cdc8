"""Where delivery reports come in: a folder of messages, or a mailbox by IMAP. Read, never changed.

Without settings nothing is read and nothing connects.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from notifications.server import Security
from notifications.settings import MailSettingError
from notifications.trust import trust

#: A report returns our mail at most; what is larger is something else.
_LARGEST: Final = 5_000_000
_TIMEOUT: Final = 20.0
#: Messages whose kind is asked for at once.
_AT_ONCE: Final = 200


class ReportSettings(BaseSettings):
    """Where to look for reports; variables begin with `PILOT_MAIL_`."""

    model_config = SettingsConfigDict(
        env_prefix="PILOT_MAIL_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    #: A Maildir, or a folder with *.eml files.
    bounce_dir: Path | None = None
    imap_host: str | None = None
    imap_port: int | None = Field(default=None, ge=1, le=65535)
    imap_security: Security = Security.TLS
    imap_user: str = ""
    imap_password: SecretStr = SecretStr("")
    imap_folder: str = "INBOX"
    #: As for the mail server: an authority that is trusted beside those the machine knows.
    ca_file: Path | None = None

    @classmethod
    def read(cls) -> Self:
        """Return the settings; `MailSettingError` names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            mistake = error.errors()[0]
            variable = f"PILOT_MAIL_{str(mistake['loc'][0]).upper()}"
            shown = "" if "PASSWORD" in variable else str(mistake["input"])
            raise MailSettingError(variable, shown) from error

    def sources(self) -> list["ReportSource"]:
        """Return what there is to read."""
        found: list[ReportSource] = []
        if self.bounce_dir is not None:
            found.append(FolderReports(self.bounce_dir))
        if self.imap_host is not None:
            found.append(ImapReports(self))
        return found


@dataclass(frozen=True)
class Message:
    """A message at its place in the source; without text where it cannot be a report."""

    position: int
    raw: bytes | None


class ReportSource(Protocol):
    """Something that messages come into."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    @property
    def cursor(self) -> str | None:
        """The name under which to remember how far it was read; None where it remembers."""

    def messages(self, after: int) -> Iterator[Message]:
        """Yield the messages behind that position, in order."""


class FolderReports:
    """A folder that a mail server or a person puts messages into."""

    cursor = None

    def __init__(self, folder: Path) -> None:
        """Read `folder`; what was read once is not opened again while this process lives."""
        self._folder = folder
        self._seen: set[tuple[str, int]] = set()

    def __enter__(self) -> Self:
        """See that the folder is there: one that was mounted away is not an empty one."""
        self._folder.stat()
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to close."""

    def messages(self, after: int) -> Iterator[Message]:
        """Yield what is new in `new/`, in `cur/` and beside them; `tmp/` is still being written."""
        files = [*self._folder.glob("*.eml")]
        for part in ("new", "cur"):
            files += (self._folder / part).glob("*")
        for file in sorted(files):
            try:
                state = file.stat()
                known = (str(file), state.st_mtime_ns)
                if known in self._seen or not file.is_file() or state.st_size > _LARGEST:
                    continue
                raw = file.read_bytes()
            except OSError:  # moved from new/ to cur/ meanwhile, or not for us to read
                continue
            yield Message(0, raw)
            # After it was dealt with: what the caller broke off at is met again.
            self._seen.add(known)


class ImapReports:
    """A mailbox, opened for reading only: no message is marked, moved or deleted."""

    def __init__(self, settings: ReportSettings) -> None:
        """Read as `settings` say; nothing connects yet."""
        self._settings = settings
        self._box: BaseMailBox | None = None
        self._validity = ""

    def __enter__(self) -> Self:
        """Connect, log in, open the folder."""
        settings = self._settings
        box = self._connected()
        try:
            box.login(settings.imap_user, settings.imap_password.get_secret_value(), None)
            status = box.folder.status(settings.imap_folder, ["UIDVALIDITY"])
            self._validity = str(status["UIDVALIDITY"])
            box.folder.set(settings.imap_folder, readonly=True)
        except BaseException:
            box.client.shutdown()
            raise
        self._box = box
        return self

    def __exit__(self, *exception: object) -> None:
        """Log out, if the server still listens."""
        box, self._box = self._box, None
        if box is None:
            return
        try:
            box.logout()
        except Exception:
            box.client.shutdown()

    def _connected(self) -> BaseMailBox:
        host, port = self._settings.imap_host or "", self._settings.imap_port
        match self._settings.imap_security:
            case Security.TLS:
                trusted = trust(self._settings.ca_file)
                return MailBox(host, port or 993, timeout=_TIMEOUT, ssl_context=trusted)
            case Security.STARTTLS:
                trusted = trust(self._settings.ca_file)
                return MailBoxStartTls(host, port or 143, timeout=_TIMEOUT, ssl_context=trusted)
            case Security.NONE:
                return MailBoxUnencrypted(host, port or 143, timeout=_TIMEOUT)

    @property
    def cursor(self) -> str:
        """The mailbox and its UIDVALIDITY: when the server numbers anew, all is read again."""
        settings = self._settings
        where = "\n".join((settings.imap_host or "", settings.imap_user, settings.imap_folder))
        return f"imap:{hashlib.sha256(where.encode()).hexdigest()[:16]}:{self._validity}"

    def messages(self, after: int) -> Iterator[Message]:
        """Yield the messages with a UID above `after`; only reports are fetched whole."""
        assert self._box is not None, "enter first"  # noqa: S101
        # `n:*` names the last message even where its UID is below n.
        uids = sorted(
            uid for each in self._box.uids(f"UID {after + 1}:*") if (uid := int(each)) > after
        )
        for start in range(0, len(uids), _AT_ONCE):
            some = uids[start : start + _AT_ONCE]
            reports = self._reports_among(some)
            for uid in some:
                yield Message(uid, self._fetch(uid) if uid in reports else None)

    def _reports_among(self, uids: list[int]) -> set[int]:
        """Return the messages that call themselves a report and are no larger than one."""
        said = self._ask(
            ",".join(map(str, uids)), "(RFC822.SIZE BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])"
        )
        found = set()
        for line, header in (each for each in said if isinstance(each, tuple)):
            words = line.replace(b"(", b" ").split()
            uid = int(words[words.index(b"UID") + 1])
            size = int(words[words.index(b"RFC822.SIZE") + 1])
            if b"report" in header.lower() and size <= _LARGEST:
                found.add(uid)
        return found

    def _fetch(self, uid: int) -> bytes | None:
        for each in self._ask(str(uid), "(BODY.PEEK[])"):
            if isinstance(each, tuple):
                return bytes(each[1])
        return None  # deleted meanwhile

    def _ask(self, uids: str, parts: str) -> list[object]:
        assert self._box is not None  # noqa: S101
        status, said = self._box.client.uid("fetch", uids, parts)
        if status != "OK":
            raise OSError(f"IMAP FETCH: {status}")
        return list(said)
