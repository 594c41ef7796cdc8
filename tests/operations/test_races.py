"""Answers at the same moment: one wins, the others are told; nothing is given or counted twice."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlmodel import col, func, select

from models.operations.answering import ItemClosedError, Receipt
from models.operations.audit import seal, verify
from models.operations.cases import ProjectExistsError
from models.operations.effects.subsidy import PaidTwiceError
from models.operations.effects.transformation import InvoiceReusedError
from models.operations.notices import begin_notices
from models.operations.parties import NoCapacityError
from models.rules.errors import PilotError
from models.rules.stages import CaseStatus, Channel, Role, Stage
from models.tables.audit import AuditSeal
from models.tables.case import Answer, Case, WorkItem
from models.tables.mail import OutboxMail
from models.tables.party import Contact, Party
from models.tables.records import Payment, PublicNotice
from tasks.answering import answer_item, start_case, withdraw_case
from tasks.database import make_engine, reading, transaction
from tests.builders import CLI, ENTERPRISE, FIRST_DAY, OTHER_ENTERPRISE, PROVIDER, World

_T = TypeVar("_T")


def _at_once(*works: Callable[[], _T]) -> list[_T | PilotError]:
    """Start all works at the same moment; return what each returned or refused."""
    barrier = Barrier(len(works))

    def start(work: Callable[[], _T]) -> _T | PilotError:
        barrier.wait()
        try:
            return work()
        except PilotError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(start, works))


def _split(results: Sequence[_T | PilotError]) -> tuple[list[_T], list[PilotError]]:
    won = [result for result in results if not isinstance(result, PilotError)]
    return won, [result for result in results if isinstance(result, PilotError)]


def _two_people(world: World) -> None:
    """Give the enterprise a second contact."""
    with transaction(world.engine) as session:
        party = session.exec(select(Party).where(Party.name == ENTERPRISE)).one()
        session.add(Contact(party_id=party.id or 0, name="丁一", email="ding@example.com"))


def test_of_fifty_pairs_of_answers_exactly_one_wins_and_the_other_is_told(world: World) -> None:
    _two_people(world)
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    engines = [make_engine(world.engine.url) for _ in range(2)]

    for number in range(50):
        # Rectified over and over: every pair meets at an item of its own.
        if number:
            world.walk(case_no, Stage.ACCEPTANCE, "review")
            world.say(case_no, **_rectify(world))
        item_id = world.item_id(case_no)
        results = _at_once(
            *(
                partial(
                    answer_item,
                    item_id,
                    {"outcome": "改造完成", "progress": 100, "handler": name},
                    CLI,
                    key=f"{number}-{name}",
                    moment=world.moment,
                    on=engine,
                )
                for name, engine in zip(("林峰", "丁一"), engines, strict=True)
            )
        )

        won, refused = _split(results)
        assert [type(refusal) for refusal in refused] == [ItemClosedError]
        assert str(refused[0]) == (
            f"事项 {item_id} 已由 {won[0].handler} 于 {world.today} 10:00 "
            "通过命令行办理（改造完成），本次提交未改变任何内容"
        )

    with reading(world.engine) as session:
        assert (
            session.exec(
                select(func.count())
                .select_from(Answer)
                .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
                .where(WorkItem.step == "implement")
            ).one()
            == 50
        )
        checked, faults = verify(session)
    assert faults == []
    assert checked == world.case(case_no).audit_length
    for engine in engines:
        engine.dispose()


def _rectify(world: World) -> dict[str, object]:
    return {
        "outcome": "限期整改",
        "visited_on": world.today.isoformat(),
        "effect": "不符合",
        "data_connection": "符合",
        "return_on_input": "符合",
        "management": "符合",
        "opinion": "再来",
    }


def test_answers_from_several_processes_at_once_leave_one_winner(
    world: World, tmp_path: Path
) -> None:
    _two_people(world)
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    script = tmp_path / "answer.py"
    script.write_text(
        "import sys, time\n"
        "from sqlalchemy import make_url\n"
        "from models.rules.errors import PilotError\n"
        "from tasks.answering import answer_item\n"
        "from tasks.database import make_engine\n"
        "from tests.builders import CLI, make_world\n"
        "url, item, name = sys.argv[1:]\n"
        "world = make_world(make_engine(make_url(url)))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "form = {'outcome': '改造完成', 'progress': 100, 'handler': name}\n"
        "try:\n"
        "    receipt = answer_item(int(item), form, CLI, key=name, moment=world.moment, "
        "on=world.engine)\n"
        "    print('won', receipt.handler)\n"
        "except PilotError as refusal:\n"
        "    print(type(refusal).__name__, refusal)\n",
        encoding="utf-8",
    )
    url = world.engine.url.render_as_string(hide_password=False)
    others = [
        subprocess.Popen(
            [sys.executable, str(script), url, str(world.item_id(case_no)), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"},
        )
        for name in ("林峰", "丁一")
    ]
    for process in others:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in others:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0].strip() for process in others)

    assert said[1].startswith("won ")
    winner = said[1].removeprefix("won ")
    assert said[0].startswith("ItemClosedError ")
    assert f"已由 {winner} 于 " in said[0]
    assert world.at(case_no) == (Stage.TRANSFORMATION, "declare", 1)
    assert world.verify() == []


@pytest.mark.parametrize("key", ["k1", None])
def test_the_same_form_handed_in_four_times_at_once_gives_one_receipt(
    world: World, key: str | None
) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)

    won, refused = _split(_at_once(*[lambda: world.give(item_id, form, key=key)] * 4))

    assert refused == []
    assert {receipt.number for receipt in won} == {f"{case_no}-0002"}
    with reading(world.engine) as session:
        assert len(session.exec(select(Answer)).all()) == 1


def test_the_last_place_of_a_provider_is_given_once(world: World) -> None:
    first = world.started(Stage.DIAGNOSIS, "assign-provider")
    second = world.started(Stage.DIAGNOSIS, "assign-provider", enterprise=OTHER_ENTERPRISE)
    with transaction(world.engine) as session:
        session.exec(select(Party).where(Party.name == PROVIDER)).one().capacity = 1
    items = [world.item_id(first), world.item_id(second)]

    results = _at_once(
        *(lambda item=item: world.give(item, {"provider": PROVIDER}) for item in items)
    )

    won, refused = _split(results)
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

    results = _at_once(
        *(
            lambda item=item, form=form: world.give(item, form)
            for item, form in zip(items, forms, strict=True)
        )
    )

    won, refused = _split(results)
    assert [type(refusal) for refusal in refused] == [InvoiceReusedError]
    assert f"已在案卷 {won[0].case_no} 申报" in str(refused[0])


def test_a_voucher_of_two_cases_at_once_pays_one_and_the_other_is_told(world: World) -> None:
    cases = [
        world.started(Stage.SUBSIDY, "pay"),
        world.started(Stage.SUBSIDY, "pay", enterprise=OTHER_ENTERPRISE),
    ]
    forms = [{**world.typical(case_no), "voucher_no": "PZ-1"} for case_no in cases]
    items = [world.item_id(case_no) for case_no in cases]

    results = _at_once(
        *(
            lambda item=item, form=form: world.give(item, form)
            for item, form in zip(items, forms, strict=True)
        )
    )

    _, refused = _split(results)
    assert [type(refusal) for refusal in refused] == [PaidTwiceError]
    with reading(world.engine) as session:
        assert len(session.exec(select(Payment)).all()) == 1


def test_a_payment_recorded_by_two_people_at_once_is_recorded_once(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "pay")
    item_id, form = world.item_id(case_no), world.typical(case_no)

    results = _at_once(
        *(
            lambda name=name: world.give(
                item_id, {**form, "handler": name, "voucher_no": f"PZ-{name}"}
            )
            for name in ("郑岚", "冯凯")
        )
    )

    won, refused = _split(results)
    assert [type(refusal) for refusal in refused] == [ItemClosedError]
    assert f"已由 {won[0].handler} 于 " in str(refused[0])
    with reading(world.engine) as session:
        assert [payment.voucher_no for payment in session.exec(select(Payment))] == [
            f"PZ-{won[0].handler}"
        ]


def test_an_enterprise_gets_one_case_however_many_open_one_at_once(world: World) -> None:
    party = world.party(Role.ENTERPRISE, ENTERPRISE)

    results = _at_once(
        *(
            lambda batch=batch: start_case(
                batch, party, world.deed(), moment=world.moment, on=world.engine
            )
            for batch in (1, 2, 1, 2)
        )
    )

    won, refused = _split(results)
    assert len(won) == 1
    assert [type(refusal) for refusal in refused] == [ProjectExistsError] * 3
    assert all(won[0].case_no in str(refusal) for refusal in refused)


def test_cases_opened_at_once_get_numbers_of_their_own(world: World) -> None:
    with reading(world.engine) as session:
        parties = session.exec(select(Party).where(Party.role == Role.ENTERPRISE)).all()

    results = _at_once(
        *(
            lambda party=party: start_case(
                2, party, world.deed(), moment=world.moment, on=world.engine
            )
            for party in parties
        )
    )

    won, refused = _split(results)
    assert refused == []
    assert sorted(case.case_no for case in won) == [f"HS-2-{n:04}" for n in range(1, 9)]


def test_a_withdrawal_and_an_answer_at_once_leave_the_case_whole(world: World) -> None:
    for _ in range(10):
        case_no = world.started(Stage.APPLICATION, "county-review")
        item_id, form = world.item_id(case_no), world.typical(case_no)

        _at_once(
            lambda case_no=case_no: withdraw_case(
                case_no, "转产", world.deed(), moment=world.moment, on=world.engine
            ),
            lambda item_id=item_id, form=form: world.give(item_id, form),
        )

        assert world.case(case_no).status is CaseStatus.WITHDRAWN
        with reading(world.engine) as session:
            assert (
                session.exec(
                    select(WorkItem).where(
                        WorkItem.case_no == case_no, col(WorkItem.closed_at).is_(None)
                    )
                ).all()
                == []
            )
    assert world.verify() == []


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

    results = _at_once(*[sweep] * 4)

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

    assert _at_once(work, watch, watch) == [[], [], []]


def test_mails_of_answers_at_once_are_queued_once_each(world: World) -> None:
    with reading(world.engine) as session:
        parties = session.exec(select(Party).where(Party.role == Role.ENTERPRISE)).all()
    cases = [world.open(party.name) for party in parties]
    before = world.last_mail()
    given = [(world.item_id(case_no), world.typical(case_no)) for case_no in cases]

    results: list[Receipt | PilotError] = _at_once(
        *(lambda item=item, form=form: world.give(item, form) for item, form in given)
    )

    assert len(_split(results)[0]) == len(cases)
    with reading(world.engine) as session:
        mails = session.exec(select(OutboxMail).where(col(OutboxMail.id) > before)).all()
    assert sorted((mail.case_no, mail.template) for mail in mails if mail.case_no) == sorted(
        (case_no, template) for case_no in cases for template in ("item_opened", "receipt")
    )


def test_a_prefect_form_and_the_command_line_at_once_say_which_channel_won(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    callers = [CLI, replace(CLI, channel=Channel.PREFECT)]

    results = _at_once(
        *(lambda caller=caller: world.give(item_id, form, caller=caller) for caller in callers)
    )

    won, refused = _split(results)
    assert len(won) == len(refused) == 1
    assert f"通过{won[0].channel.label}办理" in str(refused[0])
    with reading(world.engine) as session:
        assert session.exec(select(Case.audit_length)).one() == 2
