"""What the worker does between polls: hand-offs to Prefect, boards, signs of life."""

from threading import Lock
from time import monotonic

from deployments.signs import sign
from tasks.answering import present_moment
from tasks.boards import Boards
from tasks.prefect_runs import DEPLOYMENT, make_runs, prefect, reconcile, wake_runs
from tasks.sweeping import is_swept

#: The boards follow a change at most this often.
BOARD_SECONDS = 60.0
_SIGN_SECONDS = 5.0
#: Hand-offs per beat: a burst must not keep the worker from polling.
_AT_ONCE = 10


class Beat:
    """Called again and again by the worker; the first time it puts everything right."""

    def __init__(self) -> None:
        """Nothing is due yet but the first reconciliation."""
        self._boards = Boards()
        self._is_first = True
        self._next_sign = 0.0
        self._next_boards = 0.0
        self._busy = Lock()

    def __call__(self) -> None:
        """Make and wake what is due; now and then sign and refresh the boards."""
        with self._busy, prefect() as client:
            if self._is_first:
                reconcile(client)
                self._is_first = False
            make_runs(client, limit=_AT_ONCE)
            wake_runs(client, limit=_AT_ONCE)
            now = monotonic()
            if now >= self._next_sign:
                self._next_sign = now + _SIGN_SECONDS
                sign("worker")
            if now >= self._next_boards:
                self._next_boards = now + BOARD_SECONDS
                moment = present_moment()
                if not is_swept(moment):
                    sweep = client.read_deployment_by_name(f"每日巡检/{DEPLOYMENT}")
                    day = f"{moment.at:%Y-%m-%d}"
                    client.create_flow_run_from_deployment(
                        sweep.id,
                        name=f"每日巡检 · {day}（补）",
                        idempotency_key=f"catch-up:{day}",
                    )
                self._boards.refresh(client, moment)

