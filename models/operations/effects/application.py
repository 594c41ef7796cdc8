"""申报: what an application must hold, and what a recommendation vouches for."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import bindparam, update

from models.forms.application import (
    CityReviewForm,
    CountyReviewForm,
    CountyReviewOutcome,
    Scale,
    SubmitForm,
    SubmitOutcome,
)
from models.operations.context import Answering
from models.operations.windows import require_open_for_applications
from models.policy.figures import Term
from models.rules.credit_code import require_credit_code
from models.rules.errors import PilotError
from models.tables.party import Party
from models.tables.programme import Batch

_PARTY = Party.metadata.tables["party"]
#: What the application states of the enterprise is kept with the enterprise.
_STATE = update(_PARTY).where(_PARTY.c.id == bindparam("enterprise"))


class NotOnTheListError(PilotError):
    """A county or an industry that the programme does not have."""

    def __init__(self, what: str, given: str, known: Sequence[Term]) -> None:
        """Name what was given and all that there is."""
        self.given = given
        names = "、".join(term.name for term in known)
        super().__init__(f"{what}“{given}”不在试点范围内，应为下列之一：{names}")


class OtherCreditCodeError(PilotError):
    """The credit code is not the one under which the enterprise is registered here."""

    def __init__(self, given: str, registered: str) -> None:
        """Name both."""
        super().__init__(f"统一社会信用代码 {given} 与登记的 {registered} 不一致")


class NotCommittedError(PilotError):
    """The commitment is missing."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("承诺：提交申报须勾选真实性承诺")


class NotSmallOrMediumError(PilotError):
    """The enterprise is too large for the programme."""

    def __init__(self, headcount: int, revenue: Decimal) -> None:
        """Name the two figures."""
        super().__init__(
            f"从业人数 {headcount} 人、营业收入 {revenue:,} 元"
            "均超过中小企业划型标准（待核），不能申报"
        )


class HeadcountError(PilotError):
    """An enterprise without staff."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("从业人数：不能小于 1")


class UnfitError(PilotError):
    """A recommendation although a condition is not met."""

    def __init__(self, missing: Sequence[str]) -> None:
        """Name the conditions."""
        self.missing = tuple(missing)
        super().__init__(f"推荐须逐项确认申报条件，尚未确认：{'、'.join(missing)}")


def _term(what: str, given: str, known: Sequence[Term]) -> str:
    for term in known:
        if given in (term.key, term.name):
            return term.name
    raise NotOnTheListError(what, given, known)


def submit(answering: Answering, form: SubmitForm) -> None:
    """Check the application and keep the enterprise's facts; a withdrawal needs nothing."""
    if form.outcome is SubmitOutcome.WITHDRAWN:
        return
    enterprise, programme = answering.enterprise, answering.programme
    # What comes back corrected was handed in in time.
    if answering.item.attempt == 1:
        batch = answering.session.get_one(Batch, answering.case.batch_id)
        require_open_for_applications(programme, batch, answering.today)
    code = require_credit_code(form.credit_code)
    if code != enterprise.credit_code:
        raise OtherCreditCodeError(code, enterprise.credit_code)
    county = _term("所属县市区", form.county, programme.counties)
    industry = _term("所属行业", form.industry, programme.industries)
    if form.headcount < 1:
        raise HeadcountError
    if not form.is_committed:
        raise NotCommittedError
    assert form.revenue is not None  # noqa: S101 -- needed_for asks for it
    if not programme.eligibility.is_small_or_medium(form.headcount, form.revenue):
        raise NotSmallOrMediumError(form.headcount, form.revenue)
    enterprise.county = county
    stated = {
        "county": county,
        "industry": industry,
        "is_above_scale": form.scale is Scale.ABOVE,
        "headcount": form.headcount,
        "revenue": form.revenue,
        "main_business": form.main_business,
    }
    answering.session.connection().execute(_STATE, {"enterprise": enterprise.id, **stated})


def county_review(answering: Answering, form: CountyReviewForm) -> None:
    """Refuse a recommendation that leaves a condition open."""
    if form.outcome is not CountyReviewOutcome.RECOMMEND:
        return
    missing = [
        field.title or name
        for name, field in CountyReviewForm.model_fields.items()
        if field.annotation is bool and not getattr(form, name)
    ]
    if missing:
        raise UnfitError(missing)


def city_review(answering: Answering, form: CityReviewForm) -> None:
    """Nothing beyond the decision itself."""
