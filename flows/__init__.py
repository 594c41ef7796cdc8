"""Order: one file per stage, and the flows that keep the calendar and repair what was lost."""

from collections.abc import Sequence
from typing import Any

from prefect.flows import Flow

from flows.acceptance import acceptance
from flows.application import application
from flows.calendar_moments import calendar_moments
from flows.daily_sweep import daily_sweep
from flows.diagnosis import diagnosis
from flows.grading import grading
from flows.reconcile import reconcile_runs
from flows.subsidy import subsidy
from flows.transformation import transformation
from tasks.prefect_runs import DEPLOYMENT, TAG

#: flow, deployment name, cron (Asia/Shanghai), tags of its runs
DEPLOYMENTS: Sequence[tuple[Flow[..., Any], str, str | None, Sequence[str]]] = (
    *(
        (flow, DEPLOYMENT, None, (TAG,))
        for flow in (application, diagnosis, transformation, acceptance, grading, subsidy)
    ),
    (daily_sweep, DEPLOYMENT, "30 8 * * *", (TAG,)),
    (calendar_moments, DEPLOYMENT, None, (TAG,)),
    (reconcile_runs, DEPLOYMENT, "*/10 * * * *", (TAG,)),
)
