"""The boards in Prefect's UI: where everything stands, and what each party has to do."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import PrefectHTTPStatusError

from models.operations.calls import calls_for_board
from models.operations.mail_lists import waiting_mails
from models.operations.milestones import progress
from models.operations.reminders import forecast_reminders
from models.operations.runs import unfinished_runs
from models.operations.worklists import OpenItem, board, open_items
from models.rules.clock import SHANGHAI, day_of
from notifications.settings import MailSettings
from tasks.answering import Moment
from tasks.clock import lapse_note, trial_note
from tasks.database import reading
from tasks.pages.gantt import gantt_picture, gantt_svg
from tasks.pages.mail import mail_page
from tasks.pages.milestones import milestone_page
from tasks.pages.overdue import overdue_page
from tasks.pages.work import OVERDUE, board_page, worklist_page

BOARD_KEY = "board"
OVERDUE_KEY = "overdue"
MILESTONES_KEY = "milestones"
MAIL_KEY = "mail-forecast"
#: The boards that the first one leads to.
_TITLES = {MILESTONES_KEY: "里程碑看板", OVERDUE_KEY: OVERDUE, MAIL_KEY: "邮件预告"}
_WORKLIST = "worklist-"
_PAGE = 200
#: How far ahead the forecast of mail looks.
_FORECAST = timedelta(days=14)


class Boards:
    """Puts the boards up as artifacts; one whose words have not changed is left alone."""

    def __init__(self) -> None:
        """Know of nothing put up yet."""
        self._shown: dict[str, str] = {}
        self._ids: dict[str, UUID] = {}

    def refresh(self, client: SyncPrefectClient, moment: Moment) -> int:
        """Put up what has changed since the last time; return how many artifacts that were."""
        today = day_of(moment.at)
        with reading() as session:
            rows = board(session, today)
            items = open_items(session, today=today)
            calls = calls_for_board(session)
            run_ids = {
                run.case_no: run.flow_run_id
                for run in unfinished_runs(session)
                if run.flow_run_id and run.left_at is None
            }
        note = trial_note(moment.row)
        notes = _notes(moment)
        worklists: dict[int, list[OpenItem]] = {}
        for item in items:
            worklists.setdefault(item.party_id, []).append(item)
        pages = {
            f"{_WORKLIST}{party_id}": (
                f"待办 · {theirs[0].party}",
                worklist_page(theirs, note, run_ids),
            )
            for party_id, theirs in worklists.items()
        }
        if not self._ids:
            self._ids = board_ids(client)
        names = {batch.number: batch.name for batch in moment.programme.batches}
        pages[OVERDUE_KEY] = (_TITLES[OVERDUE_KEY], overdue_page(items, notes, run_ids, names))
        # Who has nothing left to do is told so.
        for key in self._ids.keys() - pages.keys():
            if key.startswith(_WORKLIST):
                pages[key] = ("待办（已清空）", "目前没有待办事项。")
        shown = self._show(client, moment, pages)
        # The board last: it links to the worklists.
        addresses = {party_id: self._address(f"{_WORKLIST}{party_id}") for party_id in worklists}
        others = {title: self._address(key) for key, title in _TITLES.items() if key in self._ids}
        mode = MailSettings.read().mode.label
        page = board_page(
            rows,
            items,
            notes,
            run_ids,
            addresses,
            calls,
            mail_mode=mode,
            has_lapsed=moment.programme.has_lapsed(today),
            others=others,
        )
        return shown + self._show(client, moment, {BOARD_KEY: ("看板", page)})

    def refresh_calendar(self, client: SyncPrefectClient, moment: Moment) -> int:
        """Put up how the milestones stand and what mail is ahead; return how many have changed.

        Apart from the rest: it counts over all cases, and changes by the day rather than the
        minute.
        """
        today = day_of(moment.at)
        until = today + _FORECAST
        with reading() as session:
            standings = progress(session, moment.programme, today)
            ahead = forecast_reminders(session, moment.programme.reminders, today, until)
            waiting = waiting_mails(session)
        notes = _notes(moment)
        if not self._ids:
            self._ids = board_ids(client)
        picture = gantt_picture(gantt_svg(moment.programme, standings, today, notes))
        board = milestone_page(moment.programme, standings, today, notes, picture)
        forecast = mail_page(ahead, until, waiting, notes)
        pages = {
            MILESTONES_KEY: (_TITLES[MILESTONES_KEY], board),
            MAIL_KEY: (_TITLES[MAIL_KEY], forecast),
        }
        return self._show(client, moment, pages)

    def _show(
        self, client: SyncPrefectClient, moment: Moment, pages: Mapping[str, tuple[str, str]]
    ) -> int:
        """Put up those of `pages` that have changed; return how many that were."""
        shown = 0
        for key, (title, page) in pages.items():
            digest = sha256(page.encode()).hexdigest()
            if self._shown.get(key) == digest:
                continue
            stamp = f"\n\n更新于 {moment.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            self._put_up(client, key, title, page + stamp)
            self._shown[key] = digest
            shown += 1
        return shown

    def _address(self, key: str) -> str:
        return f"/v2/artifacts/artifact/{self._ids[key]}"

    def _put_up(self, client: SyncPrefectClient, key: str, title: str, page: str) -> None:
        """Show `page` under `key`, in the place of what was there: its address stays the same."""
        if key in self._ids:
            update = ArtifactUpdate(description=title, data=page)
            try:
                client.update_artifact(self._ids[key], update)
            except PrefectHTTPStatusError as error:
                # Somebody has deleted it in Prefect: it is put up anew, under another address.
                if error.response.status_code != HTTPStatus.NOT_FOUND:
                    raise
            else:
                return
        artifact = client.create_artifact(
            ArtifactCreate(key=key, type="markdown", description=title, data=page)
        )
        self._ids[key] = artifact.id


def _notes(moment: Moment) -> list[str]:
    """Return what every board has to say: that it is a trial, that the document has lapsed."""
    notes = [trial_note(moment.row), lapse_note(moment.programme, day_of(moment.at))]
    return [note for note in notes if note]


def board_ids(client: SyncPrefectClient) -> dict[str, UUID]:
    """Return the boards that are up, by key; the page of one is `/v2/artifacts/artifact/<id>`."""
    found: dict[str, UUID] = {}
    while True:
        page = client.request(
            "POST",
            "/artifacts/latest/filter",
            json={
                "artifacts": {"key": {"exists_": True}},
                "sort": "KEY_ASC",
                "limit": _PAGE,
                "offset": len(found),
            },
        ).json()
        found.update({row["key"]: UUID(row["latest_id"]) for row in page})
        if len(page) < _PAGE:
            return found
