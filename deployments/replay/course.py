"""The course of the days: each is swept, then people answer, then the mail goes out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlmodel import select

from deployments.demonstration.loading import facts_of, register_cast
from deployments.replay.asked import asked_since
from deployments.replay.cast import cast
from deployments.replay.engines import Engine
from deployments.replay.evidence import Shown, evidence_to_come, record_shown
from deployments.replay.forms import Pens
from deployments.replay.intentions import Intention, intention, opening_day
from deployments.replay.letterbox import empty_outbox
from deployments.replay.virtual_clock import SWEEP_TIME, VirtualClock
from deployments.replay.wanted import Wanted
from models.lifecycle import Stay, step_of
from models.operations import programmes
from models.operations.audit import Deed
from models.operations.registering import registering_clause
from models.policy import Programme, load_programme
from models.rules.clock import SHANGHAI
from models.rules.errors import PilotError
from models.rules.stages import Channel, Role
from models.tables.party import Party
from tasks.answering import start_case, withdraw_case
from tasks.database import reading, transaction

_OPENED_AT, _RECORDED_AT = time(8, 45), time(8, 50)
_REASON = "逾期未办，经多次催办无回应"


class PeriodError(PilotError):
    """The days asked for are none of the programme's, or no enterprise can apply in them."""

    def __init__(self, why: str) -> None:
        """Say why."""
        super().__init__(f"重放的起止日期不可用：{why}")


@dataclass
class Course:
    """One replay under way, on the database of this process's environment."""

    wanted: Wanted
    programme: Programme
    clock: VirtualClock
    pens: Pens
    #: day -> enterprises whose case is opened then, each with its batch
    openings: Mapping[date, list[tuple[int, Party]]]
    #: day -> what the lead bureau records then as evidence of milestones
    evidence: Mapping[date, Sequence[Shown]]
    #: day -> what will be done then
    agenda: dict[date, list[Intention]] = field(default_factory=lambda: defaultdict(list))
    _last_item: int = 0

    def run(self, engine: Engine) -> None:
        """Let the days pass, one after the other."""
        for number in range((self.wanted.last - self.wanted.first).days + 1):
            self._pass_day(self.wanted.first + timedelta(days=number), engine)

    def _pass_day(self, day: date, engine: Engine) -> None:
        engine.sweep(self.clock.set(day, SWEEP_TIME))
        for batch, enterprise in self.openings.get(day, ()):
            moment = self.clock.set(day, _OPENED_AT)
            start_case(batch, enterprise, _deed(self.programme, "立案"), moment=moment)
        for shown in self.evidence.get(day, ()):
            record_shown(
                shown, self.clock.set(day, _RECORDED_AT), _deed(self.programme, "登记佐证")
            )
        for each in sorted(self.agenda.pop(day, ()), key=lambda each: each.order):
            self._do(each, engine)
        self._look_around()
        empty_outbox()

    def _do(self, what: Intention, engine: Engine) -> None:
        moment = self.clock.set(what.day, what.at)
        asked = what.asked
        if what.is_given_up:
            deed = _deed(self.programme, "撤回")
            withdraw_case(asked.case_no, _REASON, deed, moment=moment)
            return
        with reading() as session:
            form = self.pens.form(session, what)
        engine.answer(what, form, moment)
        step = step_of(asked.stage, asked.step)
        outcome = step.form.read(form).outcome
        if isinstance(step.outcomes[outcome.value], Stay):
            self._intend(intention(self.wanted.seed, asked, what.times + 1))

    def _look_around(self) -> None:
        """Let everybody who has been asked since the last look decide when to answer."""
        with reading() as session:
            for asked in asked_since(session, self._last_item):
                self._last_item = asked.item_id
                self._intend(intention(self.wanted.seed, asked))

    def _intend(self, what: Intention | None) -> None:
        if what is not None and what.day <= self.wanted.last:
            self.agenda[what.day].append(what)


def prepare(wanted: Wanted) -> Course:
    """Fill an empty, migrated database with the programme and the cast; return the course."""
    programme = load_programme()
    if not programme.starts_on <= wanted.first <= wanted.last <= programme.ends_on:
        raise PeriodError(f"应在 {programme.starts_on} 至 {programme.ends_on} 之间，且起不晚于止")
    with transaction() as session:
        # The clock needs the programme's row, and the row the instant at which it is loaded.
        row = programmes.load(
            session, programme, at=_morning(wanted.first), demonstration_today=wanted.first
        )
    clock = VirtualClock(programme, row)
    moment = clock.set(wanted.first, time(8, 0))
    with transaction() as session:
        register_cast(
            session, programme, cast(programme, wanted.enterprises, wanted.seed), moment.at
        )
    with reading() as session:
        enterprises = session.exec(
            select(Party).where(Party.role == Role.ENTERPRISE).order_by(Party.name)
        ).all()
    facts = {enterprise.id or 0: facts_of(enterprise) for enterprise in enterprises}
    return Course(
        wanted=wanted,
        programme=programme,
        clock=clock,
        pens=Pens(wanted.seed, programme, facts),
        evidence=evidence_to_come(wanted.seed, programme),
        openings=_openings(wanted, programme, enterprises),
    )


def _openings(
    wanted: Wanted, programme: Programme, enterprises: Sequence[Party]
) -> dict[date, list[tuple[int, Party]]]:
    """Return who applies when: as many in each batch that takes applications in the period."""
    windows = [
        (batch.number, first, last)
        for batch in programme.batches
        if (first := max(batch.application_starts_on, wanted.first))
        <= (last := min(batch.application_ends_on, wanted.last))
    ]
    if not windows:
        raise PeriodError("其间没有一批在受理申报")
    openings: dict[date, list[tuple[int, Party]]] = defaultdict(list)
    for place, enterprise in enumerate(enterprises):
        batch, first, last = windows[place * len(windows) // len(enterprises)]
        openings[opening_day(wanted.seed, enterprise.name, first, last)].append((batch, enterprise))
    return openings


def _deed(programme: Programme, action: str) -> Deed:
    return Deed(
        party="示例市经信局",
        actor="周明",
        identity="命令行，自报",
        channel=Channel.COMMAND_LINE,
        action=action,
        clause=f"{programme.document_no} {registering_clause(Role.ENTERPRISE)}",
    )


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(8, 0), SHANGHAI)
