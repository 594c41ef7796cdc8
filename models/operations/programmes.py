"""Put a programme into the database: its batches, its milestones, its calendar."""

from datetime import date, datetime

from sqlmodel import Session, select

from models.operations.calendar_days import load_years
from models.operations.parties import SYSTEM_PARTY
from models.policy import Programme
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.tables.party import Party
from models.tables.programme import Batch, Milestone, ProgrammeRow


class NoProgrammeError(PilotError):
    """The database has been made but holds no programme yet."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("数据库中尚无试点方案；请先运行 pilot db upgrade 或 pilot up")


class OtherProgrammeError(PilotError):
    """The database serves another programme."""

    def __init__(self, present: str, wanted: str) -> None:
        """Name both."""
        super().__init__(f"数据库属于试点方案 {present}，不能装入 {wanted}；请换一个 PILOT_HOME")


class NotEmptyError(PilotError):
    """A demonstration never mixes with other data."""

    def __init__(self, *, is_demonstration: bool) -> None:
        """Say what stands there."""
        present = "演示数据" if is_demonstration else "正式数据"
        super().__init__(
            f"数据库中已有{present}，不能再装入演示数据；请用 PILOT_HOME 指定一个新的目录"
        )


def present_programme(session: Session) -> ProgrammeRow | None:
    """Return the programme that this database serves, if it serves one."""
    return session.exec(select(ProgrammeRow)).first()


def require_programme(session: Session) -> ProgrammeRow:
    """Return the programme that this database serves, or raise `NoProgrammeError`."""
    row = present_programme(session)
    if row is None:
        raise NoProgrammeError
    return row


def load(
    session: Session,
    programme: Programme,
    *,
    at: datetime,
    demonstration_today: date | None = None,
) -> ProgrammeRow:
    """Put `programme` into the database; what is there already is left as it is.

    With `demonstration_today` the database becomes a demonstration standing on that day, for good;
    a database that serves a programme already is then refused.
    """
    row = present_programme(session)
    if row is not None:
        if demonstration_today is not None:
            raise NotEmptyError(is_demonstration=row.is_demonstration)
        if row.key != programme.key:
            raise OtherProgrammeError(row.key, programme.key)
        return row
    row = ProgrammeRow(
        key=programme.key,
        name=programme.name,
        policy_version=programme.version,
        is_demonstration=demonstration_today is not None,
        demonstration_today=demonstration_today,
        loaded_at=at,
    )
    session.add(row)
    session.flush()
    session.add_all(
        Batch(
            programme_key=programme.key,
            number=batch.number,
            name=batch.name,
            applications_open_on=batch.application_starts_on,
            applications_close_on=batch.application_ends_on,
            transformation_from=batch.transformation_starts_on,
            transformation_until=batch.transformation_ends_on,
            target=batch.target,
        )
        for batch in programme.batches
    )
    session.add_all(
        Milestone(
            key=milestone.key,
            programme_key=programme.key,
            year=milestone.ends_on.year,
            number=milestone.number,
            wording=milestone.wording,
            starts_on=milestone.starts_on,
            ends_on=milestone.ends_on,
            target=milestone.target,
            target_text=milestone.target_text or "",
        )
        for milestone in programme.milestones
    )
    session.add(Party(role=Role.SYSTEM, name=SYSTEM_PARTY))
    load_years(session, programme.calendar_years)
    session.flush()
    return row
