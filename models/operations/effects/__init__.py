"""What an answer records and what it must not say: one function per step, one file per stage."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from models.operations.context import Answering
from models.operations.effects import (
    acceptance,
    application,
    diagnosis,
    grading,
    notices,
    subsidy,
    transformation,
)
from models.rules.stages import Stage

#: (stage, step) -> its effect: refuses by raising a `PilotError`, else records what was said.
EFFECTS: Mapping[tuple[Stage, str], Callable[[Answering, Any], None]] = MappingProxyType(
    {
        (Stage.APPLICATION, "submit"): application.submit,
        (Stage.APPLICATION, "county-review"): application.county_review,
        (Stage.APPLICATION, "city-review"): application.city_review,
        (Stage.APPLICATION, "public-notice"): notices.decide,
        (Stage.DIAGNOSIS, "assign-provider"): diagnosis.assign_provider,
        (Stage.DIAGNOSIS, "diagnose"): diagnosis.diagnose,
        (Stage.DIAGNOSIS, "confirm"): diagnosis.confirm,
        (Stage.TRANSFORMATION, "contract"): transformation.contract,
        (Stage.TRANSFORMATION, "implement"): transformation.implement,
        (Stage.TRANSFORMATION, "declare"): transformation.declare,
        (Stage.ACCEPTANCE, "dossier"): acceptance.dossier,
        (Stage.ACCEPTANCE, "assign-assessor"): acceptance.assign_assessor,
        (Stage.ACCEPTANCE, "review"): acceptance.review,
        (Stage.GRADING, "assess"): grading.assess,
        (Stage.GRADING, "confirm-level"): grading.confirm_level,
        (Stage.SUBSIDY, "propose"): subsidy.propose,
        (Stage.SUBSIDY, "public-notice"): subsidy.notice,
        (Stage.SUBSIDY, "finance-approve"): subsidy.finance_approve,
        (Stage.SUBSIDY, "pay"): subsidy.pay,
    }
)
