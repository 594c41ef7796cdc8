"""What each mail says: one typed context per mail, kept as JSON in the outbox."""

from collections.abc import Mapping
from types import MappingProxyType

from notifications.contexts.base import CaseMail, Deadline, MailContext
from notifications.contexts.calendar_mails import ApplicationsOpen, EventChanged, EventInvitation
from notifications.contexts.case_mails import (
    DeadlineChange,
    DeadlineMoved,
    ItemOpened,
    Paid,
    Receipt,
    Returned,
    StageFinished,
    SubsidyDecided,
)
from notifications.contexts.daily_mails import Digest, DueMatters, LateMatter, Matter, SweepMissed

__all__ = [
    "CONTEXTS",
    "ApplicationsOpen",
    "CaseMail",
    "Deadline",
    "DeadlineChange",
    "DeadlineMoved",
    "Digest",
    "DueMatters",
    "EventChanged",
    "EventInvitation",
    "ItemOpened",
    "LateMatter",
    "MailContext",
    "Matter",
    "Paid",
    "Receipt",
    "Returned",
    "StageFinished",
    "SubsidyDecided",
    "SweepMissed",
    "UnknownMailError",
    "read_context",
]

#: template name -> its context
CONTEXTS: Mapping[str, type[MailContext]] = MappingProxyType(
    {
        context.template: context
        for context in (
            ItemOpened,
            Receipt,
            Returned,
            StageFinished,
            SubsidyDecided,
            Paid,
            DeadlineMoved,
            DueMatters,
            ApplicationsOpen,
            EventInvitation,
            EventChanged,
            Digest,
            SweepMissed,
        )
    }
)


class UnknownMailError(LookupError):
    """The outbox names a mail that this version does not know."""

    def __init__(self, template: str) -> None:
        """Name the template."""
        self.template = template
        super().__init__(f"no mail is called {template!r}; known are {', '.join(CONTEXTS)}")


def read_context(template: str, json: str) -> MailContext:
    """Return the context that `model_dump_json` wrote; `UnknownMailError` for a strange one."""
    if template not in CONTEXTS:
        raise UnknownMailError(template)
    return CONTEXTS[template].model_validate_json(json)
