"""`python -m deployments.clock`: what must not flood Prefect's run list, on APScheduler's ticks.

Sends the mails of the outbox, reads what comes back, notes the moments of the calendar, reports a
missing daily sweep and gives a sign of life. It does not import Prefect.
"""

import logging
import signal
import sys
from threading import Event, Lock, Thread
from types import FrameType

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy.exc import DBAPIError

from deployments.signs import sign
from models.operations import outbox
from models.operations.mail_figures import note_first_start
from models.rules.errors import PilotError
from models.tables.mail import machine_now
from notifications.post import Post
from notifications.report_sources import ReportSettings
from notifications.settings import MailMode, MailSettings
from notifications.template_check import check_templates
from tasks.database import reading, transaction, unsynced
from tasks.mail import dispatch_once
from tasks.mail_modes import require_may_start
from tasks.moments import note_moments
from tasks.reports import read_reports
from tasks.sweep_watch import report_missing_sweep

_log = logging.getLogger(__name__)
#: How soon a queued mail is taken up.
_TICK_SECONDS = 0.5
_SIGN_SECONDS = 5
_MISFIRE_SECONDS = 60
#: How often delivery reports are looked for.
_REPORTS_SECONDS = 180
#: How soon after its beginning a day's moments are noted.
_MOMENTS_SECONDS = 30
#: How often it is looked whether the day's sweep is missing. The first time so long after the
#: start: a system that comes up late in the day catches up on its sweep first.
_SWEEP_WATCH_SECONDS = 600


class Dispatcher:
    """One kept connection to the mail server, used tick by tick."""

    def __init__(self, settings: MailSettings) -> None:
        """Send as `settings` say; the connection is made with the first mail."""
        self._post = Post(settings)
        self._stopping = Event()
        self._busy = Lock()

    def __call__(self) -> None:
        """Send what is due until nothing more goes out, or we are to stop."""
        with self._busy:
            while not self._stopping.is_set():
                with reading() as session:
                    if not outbox.is_due(session, now=machine_now()):
                        return
                with unsynced() as database:
                    report = dispatch_once(
                        database.transaction,
                        self._post,
                        noting=database.statement,
                        is_stopping=self._stopping.is_set,
                    )
                if not report.sent:
                    return

    def stop(self) -> None:
        """Finish the mail under way, give back the others, say good-bye to the server.

        Waited for: what the interpreter's own end interrupts would be sent and not noted.
        """
        self._stopping.set()
        with self._busy:
            self._post.close()


def _moments() -> None:
    """Note the moments of the calendar that have come; the worker has them handled.

    Looked for again and again rather than set for their instant: a moment missed in an outage, a
    window moved by a reading, a clock moved to another day are all caught up with alike.
    """
    try:
        note_moments()
    except (PilotError, DBAPIError) as error:  # tried again with the next tick
        _log.warning("日历时点暂时无法检查，稍后再试（%s）", type(error).__name__)


def shut_down_on_signals(scheduler: BaseScheduler) -> None:
    """Have SIGTERM and Ctrl-C end the scheduler, by a thread of its own.

    A handler runs amid whatever the main thread does: between two lines of the scheduler's own.
    """
    is_running, is_to_end = Event(), Event()
    scheduler.add_listener(lambda event: is_running.set(), EVENT_SCHEDULER_STARTED)

    def shut_down() -> None:
        is_to_end.wait()
        is_running.wait()  # told before it has begun, it does not listen yet
        scheduler.shutdown(wait=False)

    def stop(number: int, frame: FrameType | None) -> None:
        is_to_end.set()

    Thread(target=shut_down, daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def main() -> int:
    """Tick until told to stop; return the exit status."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    try:
        check_templates()  # now, with somebody there to read it, and not at midnight
        sources = ReportSettings.read().sources()
        settings = MailSettings.read()
        if settings.mode is MailMode.LIVE:
            with reading() as session:
                require_may_start(session, settings)
    except PilotError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    scheduler = BlockingScheduler(
        timezone="Asia/Shanghai",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": _MISFIRE_SECONDS},
    )
    # A tick that finds the last one still sending is no fault to be logged each half second.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    dispatchers = [Dispatcher(settings) for _ in range(settings.dispatchers)]
    for dispatcher in dispatchers:
        scheduler.add_job(dispatcher, "interval", seconds=_TICK_SECONDS)
    if sources:
        scheduler.add_job(
            read_reports,
            "interval",
            args=[transaction, sources],
            seconds=_REPORTS_SECONDS,
            next_run_time=machine_now(),
        )
    scheduler.add_job(_moments, "interval", seconds=_MOMENTS_SECONDS, next_run_time=machine_now())
    scheduler.add_job(report_missing_sweep, "interval", seconds=_SWEEP_WATCH_SECONDS)
    scheduler.add_job(sign, "interval", args=["clock"], seconds=_SIGN_SECONDS)

    shut_down_on_signals(scheduler)
    with transaction() as session:
        note_first_start(session, machine_now())
    sign("clock")
    print("邮件分发已就绪", flush=True)
    scheduler.start()
    for dispatcher in dispatchers:
        dispatcher.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
