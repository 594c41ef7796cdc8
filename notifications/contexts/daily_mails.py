"""Mails of the sweep, one a person and day: reminders and digests; and that a sweep is missing."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from notifications.contexts.base import Deadline, Line, MailContext, WorkingDays, deadline_of


class Matter(BaseModel):
    """One thing that somebody has been asked for and has not done yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_no: Line
    enterprise_name: Line
    item_id: int
    stage_name: Line
    step_name: Line
    due_on: date
    #: Working days from the day of the mail up to the due day; negative when past.
    days_left: int
    #: In whose court the ball is, where that is not the recipient: then it is for him to urge.
    waits_for: Line | None = None


class DueMatters(MailContext):
    """To who must act, one a day: all matters of which the day reminds, the most urgent first.

    Also to the bureau above, of matters that others have left undone for too long.
    """

    template: ClassVar[str] = "due_matters"
    label: ClassVar[str] = "催办"
    is_urgent: ClassVar[bool] = False

    matters: Annotated[tuple[Matter, ...], Field(min_length=1)]
    how_to_answer: tuple[Line, ...]

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """Those of the recipient's own that are still ahead; the others are in no calendar."""
        if self.written_at is None:
            return ()
        return tuple(
            deadline_of(
                matter.case_no,
                matter.item_id,
                matter.due_on,
                f"{self.mark}{matter.stage_name}·{matter.step_name}（{matter.enterprise_name}）办理截止",
                self.how_to_answer,
                self.written_at,
            )
            for matter in self.matters
            if matter.waits_for is None and matter.days_left >= 0
        )


class LateMatter(BaseModel):
    """One overdue thing, and in whose court the ball is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_no: Line
    enterprise_name: Line
    item_id: int
    stage_name: Line
    step_name: Line
    waits_for: Line
    due_on: date
    #: Working days; None where they could not be counted.
    days_late: WorkingDays | None


class Digest(MailContext):
    """What has changed and what is late: daily to the coordinators, weekly to the leading group."""

    template: ClassVar[str] = "digest"
    label: ClassVar[str] = "简报"
    is_urgent: ClassVar[bool] = False

    is_weekly: bool
    day: date
    #: Whom the reader is to hand it on to; None where it goes to its reader himself.
    hand_on_to: Line | None = None
    #: The day of the digest before; None for the first one.
    since: date | None = None
    opened: Annotated[int, Field(ge=0)]
    #: 已撤回 2 件; 申报 · 县市区初审：推荐 3 件.
    ended: tuple[Line, ...] = ()
    done: tuple[Line, ...] = ()
    late_count: Annotated[int, Field(ge=0)]
    #: 服务商 3 件.
    late_by: tuple[Line, ...] = ()
    #: Up to a limit, the latest first; in the weekly one what the leading group is to know of.
    late: tuple[LateMatter, ...] = ()
    #: How many `late` would be without the limit.
    listed_count: Annotated[int, Field(ge=0)] = 0
    #: Items whose clock stands still, with the reason.
    stopped: tuple[Line, ...] = ()
    #: Whether the sweep of the day before was done; None where there was none to do.
    is_swept: bool | None = None
    last_swept_on: date | None = None


class SweepMissed(MailContext):
    """To the coordinators, from outside Prefect: the day's sweep was not done by its time."""

    template: ClassVar[str] = "sweep_missed"
    label: ClassVar[str] = "巡检未完成"

    day: date
    last_swept_on: date | None = None
