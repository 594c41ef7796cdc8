"""公示: objections under a real name, their decision, and the end of the notice."""

from datetime import date

from sqlalchemy import bindparam, func, select, update
from sqlmodel import col

from models.forms.application import NoticeForm, NoticeOutcome
from models.operations.context import Answering
from models.operations.new_rows import keep
from models.rules.errors import PilotError
from models.tables.records import Objection, PublicNotice

_OBJECTION = Objection.metadata.tables["objection"]
_IS_PENDING = (_OBJECTION.c.item_id == bindparam("item"), _OBJECTION.c.is_upheld.is_(None))
#: How many objections wait for a decision, and the last day of the notice.
_STANDING = select(
    select(func.count()).select_from(_OBJECTION).where(*_IS_PENDING).scalar_subquery(),
    select(col(PublicNotice.ends_on))
    .where(col(PublicNotice.item_id) == bindparam("item"))
    .scalar_subquery(),
)
_DECIDE = (
    update(_OBJECTION)
    .where(*_IS_PENDING)
    .values(is_upheld=bindparam("upheld"), decision=bindparam("words"))
)


class NoObjectionError(PilotError):
    """There is no objection that waits for a decision."""

    def __init__(self, case_no: str) -> None:
        """Name the case."""
        self.case_no = case_no
        super().__init__(f"案卷 {case_no} 没有待处理的异议；请先登记异议")


class ObjectionPendingError(PilotError):
    """A notice cannot end while an objection waits."""

    def __init__(self, case_no: str) -> None:
        """Name the case."""
        self.case_no = case_no
        super().__init__(f"案卷 {case_no} 有异议尚未处理，公示不能办结")


class NoticeNotOverError(PilotError):
    """The notice has not begun or not run out."""

    def __init__(self, case_no: str, ends_on: date | None) -> None:
        """Name the case and the last day, if the notice has begun."""
        self.case_no = case_no
        state = f"至 {ends_on} 止，尚未期满" if ends_on else "尚未开始"
        super().__init__(f"案卷 {case_no} 的公示{state}")


def decide(answering: Answering, form: NoticeForm) -> None:
    """Record an objection, decide on those recorded, or (the system) end the notice."""
    session, item_id = answering.session, answering.item.id
    connection = session.connection()
    pending, ends_on = connection.execute(_STANDING, {"item": item_id}).one()
    match form.outcome:
        case NoticeOutcome.OBJECTION:
            keep(
                session,
                Objection(
                    item_id=item_id,
                    objector=form.objector,
                    reach=form.reach,
                    content=form.content,
                    raised_on=answering.today,
                ),
            )
        case NoticeOutcome.DISMISSED | NoticeOutcome.UPHELD:
            if not pending:
                raise NoObjectionError(answering.case.case_no)
            is_upheld = form.outcome is NoticeOutcome.UPHELD
            decided = {"item": item_id, "upheld": is_upheld, "words": form.decision}
            connection.execute(_DECIDE, decided)
        case NoticeOutcome.PASSED:
            if ends_on is None or answering.today <= ends_on:
                raise NoticeNotOverError(answering.case.case_no, ends_on)
            if pending:
                raise ObjectionPendingError(answering.case.case_no)
