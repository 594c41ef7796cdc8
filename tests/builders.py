"""The invented world of the tests, and short ways to walk a case through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import Engine, bindparam, select
from sqlmodel import SQLModel, col, func
from sqlmodel import select as select_model

from deployments.demonstration.answers import typical_answer
from deployments.demonstration.loading import facts_of, register_parties, sweep
from models.operations import programmes
from models.operations.answering import Caller, Receipt
from models.operations.audit import Deed, verify
from models.operations.parties import party_named
from models.policy import load_programme
from models.rules.clock import SHANGHAI, day_of
from models.rules.credit_code import check_digit
from models.rules.stages import Channel, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.mail import OutboxMail
from models.tables.party import Contact, Party
from models.tables.records import Objection
from tasks.answering import Moment, answer_item, start_case
from tasks.database import reading, transaction
from tasks.migration import upgrade

#: A working Monday in the application window of the second batch; the 2024 edition is in use.
FIRST_DAY = date(2025, 1, 6)

CLI = Caller(channel=Channel.COMMAND_LINE, identity="命令行，自报")

ENTERPRISE = "示例精工装备"
OTHER_ENTERPRISE = "示例恒力机床"
PROVIDER = "示例云帆数字科技"
OTHER_PROVIDER = "示例磁湖软件"
UNADMITTED = "示例池外信息"
CITY, COUNTY, FINANCE = "示例市经信局", "示例大冶经信局", "示例市财政局"

_STANDING = (
    select_model(Case, WorkItem, Party)
    .select_from(Case)
    .join(Party, col(Party.id) == col(Case.enterprise_id))
    .outerjoin(
        WorkItem,
        (col(WorkItem.case_no) == col(Case.case_no)) & col(WorkItem.closed_at).is_(None),
    )
    .where(col(Case.case_no) == bindparam("case_no"))
)

Dump = Mapping[str, Sequence[tuple[object, ...]]]


def instant(day: date) -> datetime:
    """Return ten o'clock of that day in Huangshi."""
    return datetime.combine(day, time(10, 0), SHANGHAI)


def fill_world(engine: Engine) -> None:
    """Put the programme and its invented parties into an empty database."""
    upgrade(engine)
    with transaction(engine) as session:
        programme = load_programme()
        programmes.load(session, programme, at=instant(FIRST_DAY))
        register_parties(session, programme, instant(FIRST_DAY))


def make_world(engine: Engine) -> "World":
    """Return the world on a database that `fill_world` has filled."""
    with reading(engine) as session:
        row = programmes.require_programme(session)
    return World(engine, Moment(load_programme(), row, instant(FIRST_DAY)))


@dataclass
class World:
    """A database with the programme, and the day on which it stands."""

    engine: Engine
    moment: Moment

    @property
    def today(self) -> date:
        """The day on which the world stands."""
        return day_of(self.moment.at)

    def go_to(self, day: date) -> None:
        """Let it be that day."""
        self.moment = replace(self.moment, at=instant(day))

    def deed(self, action: str = "立案") -> Deed:
        """Return a deed of the lead bureau."""
        return Deed(
            party=CITY,
            actor="周明",
            identity=CLI.identity,
            channel=CLI.channel,
            action=action,
            clause="三（一）1",
        )

    def party(self, role: Role, name: str) -> Party:
        """Return a party."""
        with reading(self.engine) as session:
            return party_named(session, role, name)

    def register_enterprise(self) -> str:
        """Register one more enterprise and return its name."""
        with transaction(self.engine) as session:
            number = session.exec(select_model(func.count()).select_from(Party)).one()
            stem = f"91420281MA1{number:06}"
            party = Party(
                role=Role.ENTERPRISE,
                name=f"示例企业{number}",
                credit_code=stem + check_digit(stem),
                county="大冶市",
                industry="高端装备",
            )
            session.add(party)
            session.flush()
            session.add(
                Contact(
                    party_id=party.id or 0,
                    name="林一",
                    email=f"enterprise{number}@example.com",
                    is_primary=True,
                )
            )
            return party.name

    def is_objected(self, case_no: str) -> bool:
        """Return whether an objection to what the case waits for is still to be decided."""
        with reading(self.engine) as session:
            pending = session.exec(
                select_model(Objection.id)
                .join(WorkItem, col(WorkItem.id) == col(Objection.item_id))
                .where(WorkItem.case_no == case_no, col(Objection.is_upheld).is_(None))
            )
            return pending.first() is not None

    def party_name(self, party_id: int) -> str:
        """Return the name of a party."""
        with reading(self.engine) as session:
            return session.get_one(Party, party_id).name

    def open(self, enterprise: str = ENTERPRISE, batch: int = 2) -> str:
        """Open a case and return its number."""
        party = self.party(Role.ENTERPRISE, enterprise)
        return start_case(batch, party, self.deed(), moment=self.moment, on=self.engine).case_no

    def case(self, case_no: str) -> Case:
        """Return the case as it stands."""
        with reading(self.engine) as session:
            return session.get_one(Case, case_no)

    def standing(self, case_no: str) -> tuple[Case, WorkItem | None, Party]:
        """Return the case, what it waits for if it goes on, and its enterprise."""
        with reading(self.engine) as session:
            case, item, enterprise = session.exec(_STANDING, params={"case_no": case_no}).one()
        return case, item, enterprise

    def open_item(self, case_no: str) -> WorkItem:
        """Return what the case waits for."""
        _, item, _ = self.standing(case_no)
        assert item is not None, f"{case_no} has ended"
        return item

    def item_id(self, case_no: str) -> int:
        """Return the number of what the case waits for."""
        return self.open_item(case_no).id or 0

    def typical(
        self, case_no: str, *, spend: str = "300000.00", level: int = 2
    ) -> dict[str, object]:
        """Return the form that carries the case on from where it stands."""
        _, item, enterprise = self.standing(case_no)
        assert item is not None, f"{case_no} has ended"
        return self._typical(item, enterprise, spend, level)

    def _typical(
        self, item: WorkItem, enterprise: Party, spend: str, level: int
    ) -> dict[str, object]:
        return typical_answer(
            item.stage,
            item.step,
            enterprise=facts_of(enterprise),
            case_no=item.case_no,
            today=self.today,
            spend=Decimal(spend),
            level=level,
        )

    def give(
        self,
        item_id: int,
        form: Mapping[str, object],
        *,
        caller: Caller = CLI,
        key: str | None = None,
    ) -> Receipt:
        """Answer an item."""
        return answer_item(item_id, form, caller, key=key, moment=self.moment, on=self.engine)

    def answer(self, case_no: str, **changes: object) -> Receipt:
        """Answer what the case waits for, typically but for `changes`."""
        return self.give(self.item_id(case_no), {**self.typical(case_no), **changes})

    def say(self, case_no: str, **form: object) -> Receipt:
        """Answer what the case waits for with this form and nothing else."""
        return self.give(self.item_id(case_no), form)

    def end_notice(self, case_no: str) -> None:
        """Let the daily sweep publish the case, and end its notice on the day after the last."""
        sweep(self.moment, self.engine)
        ends_on = self.open_item(case_no).due_on
        assert ends_on is not None
        self.go_to(ends_on + timedelta(days=1))
        sweep(self.moment, self.engine)

    def walk(
        self,
        case_no: str,
        stage: Stage | None = None,
        step: str = "",
        *,
        spend: str = "300000.00",
        level: int = 2,
    ) -> None:
        """Carry the case on by typical answers until it stands at that step, or has ended."""
        for _ in range(25):
            _, item, enterprise = self.standing(case_no)
            if item is None:
                assert stage is None, f"{case_no} has ended"
                return
            if (item.stage, item.step) == (stage, step):
                return
            if item.step == "public-notice":
                self.end_notice(case_no)
            else:
                self.give(item.id or 0, self._typical(item, enterprise, spend, level))
        raise AssertionError(f"{case_no} never came to {stage} {step}")

    def started(
        self,
        stage: Stage,
        step: str,
        *,
        enterprise: str = ENTERPRISE,
        spend: str = "300000.00",
        level: int = 2,
    ) -> str:
        """Return a new case that stands at that step."""
        case_no = self.open(enterprise)
        self.walk(case_no, stage, step, spend=spend, level=level)
        return case_no

    def at(self, case_no: str) -> tuple[Stage, str, int]:
        """Return stage, step and round of what the case waits for."""
        item = self.open_item(case_no)
        return item.stage, item.step, item.round

    def mails(self, case_no: str, *, after: int = 0) -> list[tuple[str, str]]:
        """Return (template, recipient) of the mails about a case, in the order of queueing."""
        with reading(self.engine) as session:
            return [
                (mail.template, mail.to_name)
                for mail in session.exec(
                    select_model(OutboxMail)
                    .where(OutboxMail.case_no == case_no, col(OutboxMail.id) > after)
                    .order_by(col(OutboxMail.id))
                )
            ]

    def last_mail(self) -> int:
        """Return the number of the newest mail."""
        with reading(self.engine) as session:
            return max(session.exec(select_model(col(OutboxMail.id))), default=0)

    def dump(self) -> Dump:
        """Return every row of every table."""
        with self.engine.connect() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(select(table))), key=repr
                )
                for table in SQLModel.metadata.sorted_tables
            }

    def verify(self) -> list[str]:
        """Return the faults of the audit trail, in words."""
        with reading(self.engine) as session:
            _, faults = verify(session)
        return [f"{fault.where}：{fault.what}" for fault in faults]
