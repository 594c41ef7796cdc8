"""评级: on site, by the latest edition; confirmed, or overridden with a reason."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from models.forms.assessment import AssessForm, ConfirmLevelForm, ConfirmLevelOutcome
from models.operations.context import Answering, require_not_future
from models.operations.effects.ratings import keep_rating
from models.operations.new_rows import keep
from models.policy import latest_edition
from models.rules.errors import PilotError
from models.rules.grading import level_text
from models.tables.records import Assessment, Grade

_LAST_RATING = (
    select(col(Assessment.id), col(Assessment.level))
    .where(col(Assessment.case_no) == bindparam("case_no"), ~col(Assessment.is_baseline))
    .order_by(col(Assessment.id).desc())
    .limit(1)
)


class NotOnSiteError(PilotError):
    """A pilot enterprise is rated on site."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("试点企业的数字化水平须现场评定")


class OldEditionError(PilotError):
    """The rating does not rest on the latest edition (plan 三（一）4)."""

    def __init__(self, given: str, latest: str) -> None:
        """Name both."""
        super().__init__(f"应按最新的 {latest} 年版评测指标评定，不能使用 {given} 年版")


class LevelError(PilotError):
    """No such level."""

    def __init__(self, given: str) -> None:
        """Name what was given."""
        super().__init__(f"确认等级应为 0 至 4，现为“{given}”")


class OverrideWithoutReasonError(PilotError):
    """A level changed without a word."""

    def __init__(self, assessed: int, given: int) -> None:
        """Name both levels."""
        super().__init__(f"评定结果为{level_text(assessed)}，改为{level_text(given)}须写明理由")


def assess(answering: Answering, form: AssessForm) -> None:
    """Keep the rating after the change."""
    require_not_future("评定日期", form.assessed_on, answering.today)
    if not form.is_on_site:
        raise NotOnSiteError
    latest = latest_edition(form.assessed_on)
    if form.assessment.edition.value != latest:
        raise OldEditionError(form.assessment.edition.value, latest)
    keep_rating(answering, form.assessment, is_baseline=False, is_on_site=True, on=form.assessed_on)


def confirm_level(answering: Answering, form: ConfirmLevelForm) -> None:
    """Keep the level that counts."""
    if form.outcome is ConfirmLevelOutcome.REASSESS:
        return
    session, case_no = answering.session, answering.case.case_no
    rating = session.connection().execute(_LAST_RATING, {"case_no": case_no})
    assessment_id, assessed = rating.one()
    level = assessed
    if form.level:
        if form.level not in {"0", "1", "2", "3", "4"}:
            raise LevelError(form.level)
        level = int(form.level)
    if level != assessed and not form.reason:
        raise OverrideWithoutReasonError(assessed, level)
    keep(
        session,
        Grade(
            case_no=case_no,
            item_id=answering.item.id,
            assessment_id=assessment_id,
            level=level,
            override_reason=form.reason if level != assessed else "",
        ),
    )
