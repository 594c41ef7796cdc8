"""Delivery reports (RFC 3464) as other servers write them, read from a message."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from hashlib import sha256
from typing import Final

from models.rules.bounces import DeliveryNotice, ReportAction

_REPORT: Final = "message/delivery-status"
#: Our Message-IDs are a SHA-256 at the sender's domain; nobody else's look like that.
_OURS: Final = re.compile(rb"<[0-9a-f]{64}@[A-Za-z0-9.-]+>")
#: Where quoted-printable breaks a long line.
_SOFT_BREAK: Final = re.compile(rb"=\r?\n")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_CODE: Final = re.compile(r"(?<![\d.])([245]\d\d)(?![\d.])")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_DETAIL: Final = 500
_LONGEST_KEY: Final = 250


def read_report(raw: bytes) -> DeliveryNotice | None:
    """Return what the message `raw` reports of a mail of ours; None where it is something else.

    Read receipts, out-of-office notes and letters are something else, whatever they quote. A report
    on several recipients counts as failed only when it failed for all: the mail reached somebody.
    """
    message = message_from_bytes(raw, policy=compat32)
    groups = [group for part in _parts(message, _REPORT) for group in _groups(part)]
    recipients = [group for group in groups if group["Action"]]
    ours = _our_message_id(message, raw) if recipients else None
    if ours is None:
        return None
    actions = {_action(group) for group in recipients}
    known = [action for action in actions if action is not None]
    if not known:
        return None
    others = [action for action in known if action is not ReportAction.FAILED]
    action = others[0] if others else ReportAction.FAILED
    group = next(each for each in recipients if _action(each) is action)
    detail = _text(group["Diagnostic-Code"])
    status = _STATUS.search(_text(group["Status"]))
    code = _CODE.search(detail)
    return DeliveryNotice(
        key=_key(message, raw),
        message_id=ours,
        action=action,
        status=status.group() if status else "",
        code=int(code.group()) if code else None,
        detail=detail,
    )


def _our_message_id(message: Message, raw: bytes) -> str | None:
    """Return the Message-ID of the mail that came back, however the returned part is encoded."""
    whole = _SOFT_BREAK.sub(b"", raw)
    if found := _OURS.search(whole):
        return found.group().decode("ascii")
    for part in message.walk():
        decoded = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(decoded, bytes) and (found := _OURS.search(decoded)):
            return found.group().decode("ascii")
    return None


def _parts(message: Message, content_type: str) -> Iterator[Message]:
    """Yield the parts of that type, but not those of a message quoted within."""
    if message.get_content_type() == content_type:
        yield message
    elif message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts(part, content_type)


def _groups(part: Message) -> list[Message]:
    """Return the report's groups of fields: one for the message, then one a recipient."""
    payload = part.get_payload()
    return [group for group in payload if isinstance(group, Message)] if part.is_multipart() else []


def _action(group: Message) -> ReportAction | None:
    words = _text(group["Action"]).lower().split()
    return next((each for each in ReportAction if words and each.value == words[0]), None)


def _key(message: Message, raw: bytes) -> str:
    given = _text(message["Message-ID"])
    if given and len(given) <= _LONGEST_KEY:
        return given
    return f"sha256:{sha256(raw).hexdigest()}"


def _text(given: object) -> str:
    """Return a header on one line, with nothing in it that a database refuses."""
    return " ".join(_CONTROLS.sub(" ", str(given or "")).split())[:_LONGEST_DETAIL]
