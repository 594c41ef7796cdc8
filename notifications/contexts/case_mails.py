"""Mails about one case: what is to be done, what was decided, what has moved."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from notifications.contexts.base import CaseMail, Deadline, Line, Prose, WorkingDays, Yuan


class ItemOpened(CaseMail):
    """To who must act: what, by when, how; and why it came back, if it did."""

    template: ClassVar[str] = "item_opened"
    label: ClassVar[str] = "请办理"

    item_id: int
    stage_name: Line
    step_name: Line
    #: What to do, in one sentence.
    asks: Line
    round: Annotated[int, Field(ge=1)]
    due_on: date | None = None
    #: Those left when the mail was written, the day itself not counted.
    working_days: WorkingDays | None = None
    how_to_answer: tuple[Line, ...]
    reason: Prose | None = None

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The item's, under what it asks for."""
        what = f"{self.stage_name}·{self.step_name}"
        return self._deadline(self.item_id, self.due_on, what, (self.asks, *self.how_to_answer))


class Receipt(CaseMail):
    """To who answered: what was recorded, under which number."""

    template: ClassVar[str] = "receipt"
    label: ClassVar[str] = "回执"

    receipt_no: Line
    stage_name: Line
    step_name: Line
    outcome_name: Line
    answered_by: Line
    channel_name: Line
    answered_at: AwareDatetime


class Returned(CaseMail):
    """To whom it concerns: an answer that does not carry the case on, and its reason."""

    template: ClassVar[str] = "returned"
    label: ClassVar[str] = "退回或不予通过"

    stage_name: Line
    step_name: Line
    #: 退回补正, 不予推荐, 整改 …
    outcome_name: Line
    reason: Prose
    decided_by_party: Line
    #: What is open again, and how to answer it; empty where the case ended.
    next_step_name: Line | None = None
    item_id: int | None = None
    due_on: date | None = None
    working_days: WorkingDays | None = None
    how_to_answer: tuple[Line, ...] = ()

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """That of the item which is open again."""
        return self._deadline(
            self.item_id, self.due_on, self.next_step_name or "", self.how_to_answer
        )


class StageFinished(CaseMail):
    """To whom it concerns: a stage is done, and what follows; or how the case ended."""

    template: ClassVar[str] = "stage_finished"
    label: ClassVar[str] = "阶段进展"

    stage_name: Line
    next_stage_name: Line | None = None
    ended_as: Line | None = None


class SubsidyDecided(CaseMail):
    """To the enterprise: the amount, and how it was computed, line by line."""

    template: ClassVar[str] = "subsidy_decided"
    label: ClassVar[str] = "补助核定"

    amount: Yuan
    #: The share granted and the highest sum by the plan: `Decimal("0.4")` is 40%.
    rate: Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)]
    ceiling: Yuan
    explanation: tuple[Line, ...]
    decided_on: date


class Paid(CaseMail):
    """To the enterprise: the money has left; the case is closed."""

    template: ClassVar[str] = "paid"
    label: ClassVar[str] = "补助拨付"

    amount: Yuan
    voucher_no: Line
    paid_on: date


class DeadlineChange(StrEnum):
    """In which way a deadline was moved."""

    EXTENDED = "extended"
    STOPPED = "stopped"
    RESTARTED = "restarted"


class DeadlineMoved(CaseMail):
    """To who must act: the deadline was extended, its clock was stopped or runs again."""

    template: ClassVar[str] = "deadline_moved"
    label: ClassVar[str] = "期限变动"

    item_id: int
    stage_name: Line
    step_name: Line
    #: A `DeadlineChange`.
    change: Line
    reason: Prose | None = None
    #: Of a stop: for whom.
    waits_for_name: Line | None = None
    #: Of a restart: working days that the clock stood still.
    stopped_days: WorkingDays | None = None
    due_before: date | None = None
    #: None while the clock stands still.
    due_on: date | None = None
    working_days: WorkingDays | None = None
    decided_by_party: Line

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The item's new one."""
        return self._deadline(self.item_id, self.due_on, f"{self.stage_name}·{self.step_name}", ())
