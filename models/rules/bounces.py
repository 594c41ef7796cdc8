"""What a refusal or a delivery report says: whether the address is dead, and why in words."""

import re
from dataclasses import dataclass
from typing import Final

from models.rules.choice import Choice

#: An enhanced status code (RFC 3463) among other words; no part of an IP address.
_STATUS: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")

#: Plain codes that speak of the mailbox, where the server adds no enhanced status.
_DEAD_CODES: Final = frozenset({550, 551, 553})
#: 5.1.x speaks of the recipient's address, but for these: they speak of the sender's.
_SENDERS_FAULT: Final = frozenset({"5.1.7", "5.1.8"})
_MAILBOX_DISABLED: Final = "5.2.1"
#: A 550 with these words is about us, not about the mailbox: one relay that is set up wrongly, one
#: blocklist, must not empty the address book.
_POLICY_WORDS: Final = re.compile(
    r"relay|spam|block|blacklist|reputation|polic|denied|authenticat|not permitted|rate|too many"
    r"|frequen|limit|spf|dkim|dmarc|\bRP:|\bDT:",
    re.IGNORECASE,
)


class ReportAction(Choice):
    """What a delivery report says has become of a mail (RFC 3464, 2.3.3)."""

    FAILED = "failed", "未送达"
    DELAYED = "delayed", "延迟"
    DELIVERED = "delivered", "已送达"
    RELAYED = "relayed", "已转交"
    EXPANDED = "expanded", "已分发"


@dataclass(frozen=True, kw_only=True)
class DeliveryNotice:
    """One delivery report (DSN) on one mail of ours."""

    #: The report's own Message-ID, or a digest of it: a report that is read twice is one.
    key: str
    #: The Message-ID of our mail.
    message_id: str
    action: ReportAction
    #: Like 5.1.1.
    status: str
    #: The remote server's three digits, where they are given.
    code: int | None = None
    detail: str = ""

    @property
    def is_address_dead(self) -> bool:
        """Whether nobody should write to the address any more."""
        return self.action is ReportAction.FAILED and is_address_dead(
            self.code, self.detail, status=self.status
        )

    @property
    def reason(self) -> str:
        """Why the mail came back, in plain words."""
        return f"被退回：{_words_for(self.status, is_dead=self.is_address_dead)}（{self.status}）"


def is_address_dead(code: int | None, words: str, *, status: str = "") -> bool:
    """Return whether a permanent refusal of a recipient says that its address is dead.

    The enhanced status decides where there is one that says anything (x.0.0 does not); a full
    mailbox, too large a mail and a server's policy leave the address alive.
    """
    found = [each for each in (status, *_STATUS.findall(words)) if not each.endswith(".0.0")]
    if status := next(filter(None, found), ""):
        return status == _MAILBOX_DISABLED or (
            status.startswith("5.1.") and status not in _SENDERS_FAULT
        )
    return code in _DEAD_CODES and not _POLICY_WORDS.search(words)


def _words_for(status: str, *, is_dead: bool) -> str:
    if is_dead:
        return "收件地址不存在或已停用"
    if status.startswith("4."):
        return "对方服务器多日未能接收"
    match status.split(".")[1:]:
        case ["2", "2"]:
            return "收件信箱已满"
        case ["3", _] | ["2", "3"]:
            return "邮件过大或对方系统不接受"
        case ["7", _]:
            return "被对方的安全策略拒收"
    return "对方服务器退回"
