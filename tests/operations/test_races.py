"""Answers to one item at the same moment: one wins, the others are told who did what when."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from models.operations.answering import ItemClosedError
from models.operations.audit import verify
from models.rules.stages import CaseStatus, Channel, Stage
from models.tables.case import Answer, Case, WorkItem
from models.tables.party import Contact, Party
from models.tables.records import Payment
from tasks.answering import answer_item, withdraw_case
from tasks.database import make_engine, reading, transaction
from tests.builders import CLI, ENTERPRISE, World
from tests.operations.at_once import at_once, split


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
        results = at_once(
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

        won, refused = split(results)
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
    # All that was registered, and all that happened to the case.
    assert checked == world.moment.row.register_length + world.case(case_no).audit_length
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

    won, refused = split(at_once(*[lambda: world.give(item_id, form, key=key)] * 4))

    assert refused == []
    assert {receipt.number for receipt in won} == {f"{case_no}-0002"}
    with reading(world.engine) as session:
        assert len(session.exec(select(Answer)).all()) == 1


def test_a_payment_recorded_by_two_people_at_once_is_recorded_once(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "pay")
    item_id, form = world.item_id(case_no), world.typical(case_no)

    results = at_once(
        *(
            lambda name=name: world.give(
                item_id, {**form, "handler": name, "voucher_no": f"PZ-{name}"}
            )
            for name in ("郑岚", "冯凯")
        )
    )

    won, refused = split(results)
    assert [type(refusal) for refusal in refused] == [ItemClosedError]
    assert f"已由 {won[0].handler} 于 " in str(refused[0])
    with reading(world.engine) as session:
        assert [payment.voucher_no for payment in session.exec(select(Payment))] == [
            f"PZ-{won[0].handler}"
        ]


def test_a_withdrawal_and_an_answer_at_once_leave_the_case_whole(world: World) -> None:
    for _ in range(10):
        case_no = world.started(Stage.APPLICATION, "county-review")
        item_id, form = world.item_id(case_no), world.typical(case_no)

        at_once(
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


def test_a_prefect_form_and_the_command_line_at_once_say_which_channel_won(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    callers = [CLI, replace(CLI, channel=Channel.PREFECT)]

    results = at_once(
        *(lambda caller=caller: world.give(item_id, form, caller=caller) for caller in callers)
    )

    won, refused = split(results)
    assert len(won) == len(refused) == 1
    assert f"通过{won[0].channel.label}办理" in str(refused[0])
    with reading(world.engine) as session:
        assert session.exec(select(Case.audit_length)).one() == 2
