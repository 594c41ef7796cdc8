"""诊断: a provider of the pool with room, a report, the enterprise's word."""

from models.forms.diagnosis import AssignProviderForm, ConfirmForm, DiagnoseForm
from models.operations.context import Answering, require_not_future
from models.operations.effects.ratings import keep_rating
from models.operations.parties import body_named, require_can_take
from models.rules.errors import PilotError
from models.rules.stages import Role


class SameProviderError(PilotError):
    """The enterprise asked for another provider and is given the same."""

    def __init__(self, name: str) -> None:
        """Name it."""
        self.name = name
        super().__init__(f"企业已申请更换服务商，不能仍指派“{name}”")


def assign_provider(answering: Answering, form: AssignProviderForm) -> None:
    """Give the case its provider."""
    case = answering.case
    provider = body_named(answering.session, Role.PROVIDER, form.provider)
    if case.provider_id == provider.id:
        # The step is asked a second time only because another provider is wanted.
        raise SameProviderError(provider.name)
    require_can_take(answering.session, provider, answering.enterprise, holds_already=False)
    answering.give_provider(provider.id)


def diagnose(answering: Answering, form: DiagnoseForm) -> None:
    """Keep the rating before the change."""
    require_not_future("现场诊断日期", form.visited_on, answering.today)
    keep_rating(answering, form.baseline, is_baseline=True, is_on_site=True, on=form.visited_on)


def confirm(answering: Answering, form: ConfirmForm) -> None:
    """Nothing beyond the word itself."""
