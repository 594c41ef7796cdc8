"""The tag by which a coordinator finds the runs whose item is overdue."""

from datetime import date
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from models.operations.runs import overdue_flow_runs
from tasks.database import reading
from tasks.prefect_runs import OVERDUE_TAG

_PAGE = 200


def tag_overdue(client: SyncPrefectClient, today: date) -> int:
    """Have exactly the runs whose open item is overdue carry the tag; return how many changed.

    One look at the database, one at the runs that carry it, and a call for each difference: an
    answer takes the tag away by itself, for the run then gets the tags of its next item.
    """
    with reading() as session:
        late = overdue_flow_runs(session, today)
    tagged = {str(run.id): run for run in _tagged(client)}
    changed = 0
    for flow_run_id in late - tagged.keys():
        try:
            run = client.read_flow_run(UUID(flow_run_id))
        except ObjectNotFound:
            continue  # `reconcile` replaces it
        client.update_flow_run(run.id, tags=[*run.tags, OVERDUE_TAG])
        changed += 1
    for flow_run_id in tagged.keys() - late:
        run = tagged[flow_run_id]
        client.update_flow_run(run.id, tags=[tag for tag in run.tags if tag != OVERDUE_TAG])
        changed += 1
    return changed


def _tagged(client: SyncPrefectClient) -> list[FlowRun]:
    found: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[OVERDUE_TAG])),
            sort=FlowRunSort.ID_DESC,
            limit=_PAGE,
            offset=len(found),
        )
        found.extend(page)
        if len(page) < _PAGE:
            return found
