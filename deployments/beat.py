"""What the worker does between polls: hand-offs to Prefect, boards, signs of life."""

import logging
from collections.abc import Callable
from time import monotonic

from prefect.client.orchestration import SyncPrefectClient

from deployments.signs import sign
from models.rules.clock import day_of
from models.tables.mail import machine_now
from tasks.answering import present_moment
from tasks.boards import Boards
from tasks.moments import are_moments_waiting
from tasks.overdue_tags import tag_overdue
from tasks.prefect_runs import DEPLOYMENT, make_runs, prefect, reconcile, wake_runs
from tasks.sweeping import is_missed

#: The boards follow a change at most this often.
BOARD_SECONDS = 60.0
#: How the milestones stand is counted over all cases, and so less often.
_CALENDAR_SECONDS = 600.0
_SIGN_SECONDS = 5.0
#: Hand-offs per beat: a burst must not keep the worker from polling.
_AT_ONCE = 10

_log = logging.getLogger(__name__)


class Beat:
    """Called again and again by the worker, as long as Prefect answers."""

    def __init__(self) -> None:
        """Nothing has been done yet."""
        self._next_sign = 0.0
        self.start_over()

    def start_over(self) -> None:
        """Take nothing for granted: Prefect has just come up, perhaps with an empty database."""
        self._boards = Boards()
        self._is_reconciled = False
        self._next_boards = 0.0
        self._next_calendar = 0.0

    def __call__(self) -> None:
        """Make and wake what is due; now and then sign, catch up on a sweep, refresh the boards.

        One part's trouble is written to the log and tried again; it neither ends the worker nor
        holds up the other parts.
        """
        with prefect() as client:
            self._try(self._hand_over, client)
            now = monotonic()
            if now >= self._next_boards:
                self._next_boards = now + BOARD_SECONDS
                self._try(self._catch_up, client)
                self._try(self._have_moments_handled, client)
                self._try(self._show, client)
            if now >= self._next_calendar:
                self._next_calendar = now + _CALENDAR_SECONDS
                self._try(self._show_calendar, client)
            if now >= self._next_sign:
                self._next_sign = now + _SIGN_SECONDS
                self._try(self._sign, client)

    def _try(self, part: Callable[[SyncPrefectClient], None], client: SyncPrefectClient) -> None:
        try:
            part(client)
        except Exception:
            _log.exception("本轮未完成，稍后重试")

    def _hand_over(self, client: SyncPrefectClient) -> None:
        if not self._is_reconciled:
            reconcile(client, limit=_AT_ONCE)
            self._is_reconciled = True
        make_runs(client, limit=_AT_ONCE)
        wake_runs(client, limit=_AT_ONCE)

    def _catch_up(self, client: SyncPrefectClient) -> None:
        """Have the present day swept if that was missed: after an outage, or on a moved clock.

        Asked for once in ten minutes, until it is done: the run that was asked for may fail.
        """
        moment = present_moment()
        if not is_missed(moment):
            return
        sweep = client.read_deployment_by_name(f"每日巡检/{DEPLOYMENT}")
        day, now = f"{moment.at:%Y-%m-%d}", machine_now()
        client.create_flow_run_from_deployment(
            sweep.id,
            name=f"每日巡检 · {day}（补）",
            idempotency_key=f"catch-up:{day}:{now:%Y-%m-%dT%H}:{now.minute // 10}",
        )

    def _have_moments_handled(self, client: SyncPrefectClient) -> None:
        """Make a run for the moments that the clock has noted, again until they are done."""
        if not are_moments_waiting():
            return
        handler = client.read_deployment_by_name(f"日历时点/{DEPLOYMENT}")
        day, now = f"{present_moment().at:%Y-%m-%d}", machine_now()
        client.create_flow_run_from_deployment(
            handler.id,
            name=f"日历时点 · {day}",
            idempotency_key=f"moments:{day}:{now:%Y-%m-%dT%H}:{now.minute // 10}",
        )

    def _show(self, client: SyncPrefectClient) -> None:
        self._boards.refresh(client, present_moment())

    def _show_calendar(self, client: SyncPrefectClient) -> None:
        moment = present_moment()
        tag_overdue(client, day_of(moment.at))
        self._boards.refresh_calendar(client, moment)

    def _sign(self, client: SyncPrefectClient) -> None:
        sign("worker")
