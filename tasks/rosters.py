"""Import a roster: all of it in one transaction, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from models.forms.roster import RosterContext
from models.operations.audit import Deed
from models.operations.rosters.applying import apply_plan, hold_register, import_deed
from models.operations.rosters.checking import CheckedRoster, check_rows
from models.operations.rosters.plan import RosterPlan
from models.operations.rosters.planning import plan_roster
from models.rules.clock import day_of
from tasks.answering import CollisionError, Moment
from tasks.database import reading, transaction
from tasks.workbooks.roster import roster_rows, write_findings


class Wanted(Enum):
    """How far an import is to go."""

    #: Say what would be done, and do nothing.
    CHECK = "check"
    #: Register who is new; a roster that changes somebody is only shown.
    ADD = "add"
    #: Change what is different, too.
    APPLY = "apply"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import has found, and whether it was done."""

    plan: RosterPlan
    is_done: bool
    examples: int
    #: Sheets and columns of the file that mean nothing here.
    passed_over: list[str]
    #: Where the copy with the findings stands, if there are any.
    copy: Path | None = None


def import_roster(
    path: Path,
    deed: Deed,
    wanted: Wanted,
    *,
    moment: Moment,
    overwrites_checked: bool = False,
    on: Engine | None = None,
    row_read: Callable[[], object] = lambda: None,
    parties_written: Callable[[int, int], object] = lambda done, of: None,
) -> Imported:
    """Check the roster at `path`, plan it and, as far as `wanted`, do it in one transaction.

    With findings nothing is done, and a copy of the file beside it shows them.
    """
    passed_over: list[str] = []
    context = RosterContext(programme=moment.programme, today=day_of(moment.at))
    checked = check_rows(roster_rows(path, passed_over), context, tick=row_read)
    plan, is_done = _carry_out(
        checked,
        import_deed(deed, path.name),
        wanted,
        moment,
        overwrites_checked,
        on,
        parties_written,
    )
    copy = None
    if plan.findings:
        copy = path.with_name(f"{path.stem.removesuffix('.核对')}.核对.xlsx")
        write_findings(copy, path, plan.findings, moment.programme)
    return Imported(
        plan=plan,
        is_done=is_done,
        examples=checked.examples,
        passed_over=passed_over,
        copy=copy,
    )


def _carry_out(
    checked: CheckedRoster,
    deed: Deed,
    wanted: Wanted,
    moment: Moment,
    overwrites_checked: bool,
    on: Engine | None,
    tick: Callable[[int, int], object],
) -> tuple[RosterPlan, bool]:
    """Return the plan, and whether it has been carried out."""
    if wanted is Wanted.CHECK or checked.findings:
        with reading(on) as session:
            return plan_roster(session, checked, overwrites_checked=overwrites_checked), False
    try:
        with transaction(on) as session:
            hold_register(session)
            plan = plan_roster(session, checked, overwrites_checked=overwrites_checked)
            if plan.findings or (plan.asks and wanted is Wanted.ADD):
                return plan, False
            apply_plan(session, plan, deed, at=moment.at, tick=tick)
    except IntegrityError as error:
        raise CollisionError from error
    return plan, True
