"""When applications are taken: within their batch's window, and never after the programme's end."""

from datetime import date

from models.policy import Programme
from models.rules.errors import PilotError
from models.tables.programme import Batch


class LapsedError(PilotError):
    """The programme is over; its document has lapsed (plan 五, last paragraph)."""

    def __init__(self, document_no: str, last_day: date) -> None:
        """Name the document and its last day."""
        super().__init__(
            f"{document_no} 已于 {last_day} 期满失效，不再受理新的申报"
            "（五末段：实施期 2 年，试点工作结束后文件自动失效）"
        )


class OutsideWindowError(PilotError):
    """An application before or after its batch's window, where the policy refuses it."""

    def __init__(self, note: str) -> None:
        """Say which window it is."""
        super().__init__(f"{note}，不予受理")


def window_note(batch: Batch, today: date) -> str | None:
    """Return what is said of an application of `batch` outside its window; None within it."""
    if batch.applications_open_on <= today <= batch.applications_close_on:
        return None
    window = f"{batch.applications_open_on} 至 {batch.applications_close_on}"
    return f"今天（{today}）不在{batch.name}申报期（{window}）内"


def require_open_for_applications(programme: Programme, batch: Batch, today: date) -> None:
    """Raise `LapsedError` after the programme's end, `OutsideWindowError` where policy says so."""
    if programme.has_lapsed(today):
        raise LapsedError(programme.document_no, programme.ends_on)
    note = window_note(batch, today)
    if note is not None and programme.applications.outside_window == "refuse":
        raise OutsideWindowError(note)
