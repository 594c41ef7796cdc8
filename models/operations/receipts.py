"""Who answers, and what he is told: word for word the same however often it is asked."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from models.rules.stages import CaseStatus, Channel, Stage

SYSTEM_HANDLER = "系统"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """By which way an answer comes, and how the person's identity is known."""

    channel: Channel
    identity: str
    #: The party in whose name it is given; None where the channel shows only the party's own items.
    party: str | None = None


SYSTEM = Caller(channel=Channel.SYSTEM, identity="系统自动")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the person who answered is told, word for word the same however often it is asked."""

    number: str
    case_no: str
    enterprise: str
    item_id: int
    stage: Stage
    step: str
    step_label: str
    outcome: str
    outcome_label: str
    handler: str
    party: str
    channel: Channel
    answered_at: datetime
    case_status: CaseStatus
    next_item_id: int | None
    next_stage: Stage | None
    next_step_label: str | None
    next_party: str | None
    next_due_on: date | None

    def to_json(self) -> str:
        """Return the receipt as JSON."""
        return json.dumps(vars(self), ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Receipt":
        """Return the receipt that `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            **{
                **raw,
                "stage": Stage.read(raw["stage"]),
                "channel": Channel.read(raw["channel"]),
                "answered_at": datetime.fromisoformat(raw["answered_at"]),
                "case_status": CaseStatus.read(raw["case_status"]),
                "next_stage": Stage.read(raw["next_stage"]) if raw["next_stage"] else None,
                "next_due_on": (
                    date.fromisoformat(raw["next_due_on"]) if raw["next_due_on"] else None
                ),
            }
        )
