"""Cases that want the same thing at the same moment: it is given and counted once."""

from sqlmodel import col, select

from models.operations.answering import Receipt
from models.operations.audit import seal
from models.operations.cases import ProjectExistsError
from models.operations.effects.subsidy import PaidTwiceError
from models.operations.effects.transformation import InvoiceReusedError
from models.operations.notices import begin_notices
from models.operations.parties import NoCapacityError
from models.operations.registering import NewParty, Person, register_party
from models.rules.errors import PilotError
from models.rules.stages import Role, Stage
from models.tables.audit import AuditSeal, RegisterEntry
from models.tables.mail import OutboxMail
from models.tables.party import Party
from models.tables.records import Payment, PublicNotice
from tasks.answering import start_case
from tasks.database import reading, transaction
from tests.builders import ENTERPRISE, FIRST_DAY, OTHER_ENTERPRISE, PROVIDER, World
from tests.operations.at_once import at_once, split


def test_the_last_place_of_a_provider_is_given_once(world: World) -> None:
    first = world.started(Stage.DIAGNOSIS, "assign-provider")
    second = world.started(Stage.DIAGNOSIS, "assign-provider", enterprise=OTHER_ENTERPRISE)
    with transaction(world.engine) as session:
        session.exec(select(Party).where(Party.name == PROVIDER)).one().capacity = 1
    items = [world.item_id(first), world.item_id(second)]

    results = at_once(
        *(lambda item=item: world.give(item, {"provider": PROVIDER}) for item in items)
    )

    won, refused = split(results)
    assert len(won) == 1
    assert [type(refusal) for refusal in refused] == [NoCapacityError]


def _invoice(number: str) -> dict[str, object]:
    day = FIRST_DAY.isoformat()
    return {
        "category": "软件",
        "contract_no": "HT",
        "invoice_no": number,
        "contract_sum": "10",
        "invoice_sum": "10",
        "paid_sum": "10",
        "invoiced_on": day,
        "paid_on": day,
    }


def test_an_invoice_declared_by_two_cases_at_once_serves_one_and_the_other_is_told(
    world: World,
) -> None:
    cases = [
        world.started(Stage.TRANSFORMATION, "declare"),
        world.started(Stage.TRANSFORMATION, "declare", enterprise=OTHER_ENTERPRISE),
    ]
    # In opposite orders, as two people would type them: neither may wait for the other for ever.
    forms = [
        {"lines": [_invoice(f"FP-{n}") for n in range(20)]},
        {"lines": [_invoice(f"FP-{n}") for n in reversed(range(20))]},
    ]
    items = [world.item_id(case_no) for case_no in cases]

    results = at_once(
        *(
            lambda item=item, form=form: world.give(item, form)
            for item, form in zip(items, forms, strict=True)
        )
    )

    won, refused = split(results)
    assert [type(refusal) for refusal in refused] == [InvoiceReusedError]
    assert f"已在案卷 {won[0].case_no} 申报" in str(refused[0])


def test_a_voucher_of_two_cases_at_once_pays_one_and_the_other_is_told(world: World) -> None:
    cases = [
        world.started(Stage.SUBSIDY, "pay"),
        world.started(Stage.SUBSIDY, "pay", enterprise=OTHER_ENTERPRISE),
    ]
    forms = [{**world.typical(case_no), "voucher_no": "PZ-1"} for case_no in cases]
    items = [world.item_id(case_no) for case_no in cases]

    results = at_once(
        *(
            lambda item=item, form=form: world.give(item, form)
            for item, form in zip(items, forms, strict=True)
        )
    )

    _, refused = split(results)
    assert [type(refusal) for refusal in refused] == [PaidTwiceError]
    with reading(world.engine) as session:
        assert len(session.exec(select(Payment)).all()) == 1


def test_an_enterprise_gets_one_case_however_many_open_one_at_once(world: World) -> None:
    party = world.party(Role.ENTERPRISE, ENTERPRISE)

    results = at_once(
        *(
            lambda batch=batch: start_case(
                batch, party, world.deed(), moment=world.moment, on=world.engine
            )
            for batch in (1, 2, 1, 2)
        )
    )

    won, refused = split(results)
    assert len(won) == 1
    assert [type(refusal) for refusal in refused] == [ProjectExistsError] * 3
    assert all(won[0].case_no in str(refusal) for refusal in refused)


def test_cases_opened_at_once_get_numbers_of_their_own(world: World) -> None:
    with reading(world.engine) as session:
        parties = session.exec(select(Party).where(Party.role == Role.ENTERPRISE)).all()

    results = at_once(
        *(
            lambda party=party: start_case(
                2, party, world.deed(), moment=world.moment, on=world.engine
            )
            for party in parties
        )
    )

    won, refused = split(results)
    assert refused == []
    assert sorted(case.case_no for case in won) == [f"HS-2-{n:04}" for n in range(1, 9)]


def test_two_sweeps_at_once_publish_seal_and_end_once(world: World) -> None:
    cases = [
        world.started(Stage.APPLICATION, "public-notice", enterprise=name)
        for name in (ENTERPRISE, OTHER_ENTERPRISE)
    ]

    def sweep() -> int:
        with transaction(world.engine) as session:
            begun = begin_notices(session, world.moment.programme, world.moment.at)
            seal(session, world.today)
        return begun.items

    results = at_once(*[sweep] * 4)

    assert sorted(result for result in results if isinstance(result, int)) == [0, 0, 0, 2]
    with reading(world.engine) as session:
        assert len(session.exec(select(PublicNotice)).all()) == len(cases)
        assert len(session.exec(select(AuditSeal)).all()) == 1
    assert world.verify() == []


def test_verifying_while_answers_come_in_finds_no_fault(world: World) -> None:
    with reading(world.engine) as session:
        parties = session.exec(select(Party).where(Party.role == Role.ENTERPRISE)).all()
    cases = [world.open(party.name) for party in parties]

    def work() -> list[str]:
        for case_no in cases:
            world.walk(case_no, Stage.APPLICATION, "public-notice")
        return []

    def watch() -> list[str]:
        return [fault for _ in range(25) for fault in world.verify()]

    assert at_once(work, watch, watch) == [[], [], []]


def test_mails_of_answers_at_once_are_queued_once_each(world: World) -> None:
    with reading(world.engine) as session:
        parties = session.exec(select(Party).where(Party.role == Role.ENTERPRISE)).all()
    cases = [world.open(party.name) for party in parties]
    before = world.last_mail()
    given = [(world.item_id(case_no), world.typical(case_no)) for case_no in cases]

    results: list[Receipt | PilotError] = at_once(
        *(lambda item=item, form=form: world.give(item, form) for item, form in given)
    )

    assert len(split(results)[0]) == len(cases)
    with reading(world.engine) as session:
        mails = session.exec(select(OutboxMail).where(col(OutboxMail.id) > before)).all()
    assert sorted((mail.case_no, mail.template) for mail in mails if mail.case_no) == sorted(
        (case_no, template) for case_no in cases for template in ("item_opened", "receipt")
    )


def test_registrations_at_the_same_moment_stand_one_after_the_other_in_the_chain(
    world: World,
) -> None:
    def register(number: int) -> str:
        new = NewParty(
            role=Role.PROVIDER,
            name=f"示例同时{number}",
            contact=Person(name="秦岚", email="qin@example.com"),
        )
        deed = world.deed("登记服务商")
        with transaction(world.engine) as session:
            programme = world.moment.programme
            return register_party(session, programme, new, deed, at=world.moment.at).name

    won, refused = split(at_once(*(lambda n=n: register(n) for n in range(10))))

    assert refused == []
    with reading(world.engine) as session:
        last = session.exec(
            select(RegisterEntry, Party)
            .join(Party, col(Party.id) == col(RegisterEntry.registered_id))
            .order_by(col(RegisterEntry.number).desc())
            .limit(10)
        ).all()
    assert {party.name for _, party in last} == set(won)
    assert len({entry.number for entry, _ in last}) == 10
    assert world.verify() == []
