"""What holds for every mail: its address, its Message-ID, its states, when it is tried again."""

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from zlib import crc32

from models.rules.choice import Choice
from models.rules.errors import PilotError

#: How often a mail is tried in all: once, and 48 times more.
MOST_ATTEMPTS = 49

_STEP_SECONDS = 300
_JITTER_SECONDS = 60

# Plain ASCII: a server that takes more than this is the exception, and quoting invites injection.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LONGEST_ADDRESS = 254


class MailState(Choice):
    """How a mail in the outbox stands."""

    QUEUED = "queued", "待发送"
    SENDING = "sending", "发送中"
    SENT = "sent", "已送达服务器"
    FAILED = "failed", "发送失败"
    CANCELLED = "cancelled", "已取消"


class MailOutcome(Choice):
    """How one try to send a mail ended."""

    ACCEPTED = "accepted", "服务器已接收"
    TRY_AGAIN = "try-again", "暂未成功，稍后再试"
    REFUSED = "refused", "被拒绝，不再重试"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How one try ended: `reason` in plain Chinese, `detail` as the server put it."""

    outcome: MailOutcome
    #: The server's three digits; None where no answer came.
    code: int | None = None
    #: host:port
    server: str = ""
    reason: str
    detail: str = ""
    #: True where this machine's mailbox took the mail: no person has got it.
    is_caught: bool = False
    #: True where the next mail would fare no better now: the server, not this mail, is at fault.
    is_servers_fault: bool = False
    #: True where nobody should write to this address again.
    is_address_dead: bool = False


def message_id(dedup_key: str, domain: str) -> str:
    """Return the Message-ID of the mail with `dedup_key`, the same for every try.

    A mail that is sent twice because we died after the server's 250 can so be recognised as one.
    """
    return f"<{sha256(dedup_key.encode()).hexdigest()}@{domain}>"


def retry_delay(dedup_key: str, attempts: int) -> timedelta:
    """Return how long to wait after try number `attempts`: 5 minutes and up to one more.

    The jitter only adds, so 48 waits are never less than four hours; it is computed from the key,
    so that mails which failed together spread out and a replay waits exactly as long.
    """
    jitter = crc32(f"{dedup_key}#{attempts}".encode()) % (_JITTER_SECONDS + 1)
    return timedelta(seconds=_STEP_SECONDS + jitter)


class MailAddressError(PilotError):
    """A mail address that no server would take."""

    def __init__(self, address: str) -> None:
        """Show the address as it was given."""
        self.address = address
        super().__init__(f"邮件地址 {address!r} 不正确，请改正该联系人的邮箱")


def checked_address(given: str) -> str:
    """Return `given`; `MailAddressError` when no server would take it."""
    if len(given) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(given):
        raise MailAddressError(given)
    return given


def is_reachable(address: str, bounced: str, *, has_left: bool) -> bool:
    """Return whether mail may go to a person at `address`; `bounced` is in small letters."""
    return not has_left and address.lower() != bounced
