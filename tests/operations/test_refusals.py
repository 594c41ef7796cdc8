"""Who may answer, once: each refusal is clear, and not one row of any table changes."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import select

from models.operations.answering import (
    Caller,
    ItemClosedError,
    KeyReusedError,
    RefusedBeforeError,
    SystemOnlyError,
    UnknownHandlerError,
    UnknownItemError,
    WrongPartyError,
    refuse,
)
from models.operations.cases import (
    ProjectExistsError,
    ReasonMissingError,
    UnknownBatchError,
    UnknownCaseError,
)
from models.operations.windows import LapsedError
from models.rules.errors import PilotError
from models.rules.stages import Channel, Stage
from models.rules.working_days import HolidaysUnknownError
from models.tables.party import Party
from tasks.answering import withdraw_case
from tasks.database import reading, transaction
from tests.builders import (
    CITY,
    CLI,
    COUNTY,
    ENTERPRISE,
    FIRST_DAY,
    OTHER_ENTERPRISE,
    PROVIDER,
    World,
)

_TOMORROW = FIRST_DAY + timedelta(days=1)


def test_an_unknown_item_is_refused(world: World) -> None:
    world.open()
    before = world.dump()

    for number in (0, -1, 2, 10**30):
        with pytest.raises(UnknownItemError, match=f"没有编号为 {number} 的待办事项"):
            world.give(number, {})

    assert world.dump() == before


def test_a_closed_item_says_who_did_what_when_and_by_which_channel(world: World) -> None:
    case_no = world.open()
    item_id = world.item_id(case_no)
    world.answer(case_no)
    before = world.dump()

    with pytest.raises(ItemClosedError) as refused:
        world.give(item_id, {"outcome": "撤回申报", "reason": "不申报了"})

    assert str(refused.value) == (
        f"事项 {item_id} 已由 林峰 于 2025-01-06 10:00 通过命令行办理（提交申报），"
        "本次提交未改变任何内容"
    )
    assert world.dump() == before


def test_an_item_closed_by_a_withdrawal_says_so_too(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    item_id = world.item_id(case_no)
    world.say(case_no, outcome="上报进度", progress=5)
    withdraw_case(case_no, "转产", world.deed("撤回"), moment=world.moment, on=world.engine)
    before = world.dump()

    with pytest.raises(ItemClosedError) as refused:
        world.give(item_id, {"outcome": "上报进度", "progress": 10})

    assert f"已由 {CITY} 周明 于 {world.today} 10:00 通过命令行办理（撤回）" in str(refused.value)
    assert world.dump() == before


def test_another_party_than_the_one_asked_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    before = world.dump()

    for party in (ENTERPRISE, CITY, "企业", "示例阳新经信局"):
        with pytest.raises(WrongPartyError, match=f"应由“{COUNTY}”办理，不是“{party}”"):
            world.give(
                world.item_id(case_no), world.typical(case_no), caller=replace(CLI, party=party)
            )

    assert world.dump() == before
    world.give(world.item_id(case_no), world.typical(case_no), caller=replace(CLI, party=COUNTY))
    world.give(
        world.item_id(case_no), world.typical(case_no), caller=replace(CLI, party="市经信局")
    )


def test_objections_are_the_lead_bureaus_business(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    item_id = world.item_id(case_no)
    objection = {"outcome": "登记异议", "objector": "石坚", "reach": "电话", "content": "不实"}

    with pytest.raises(WrongPartyError):
        world.give(item_id, objection, caller=replace(CLI, party=ENTERPRISE))
    receipt = world.give(item_id, objection, caller=replace(CLI, party=CITY))

    assert (receipt.party, receipt.handler) == (CITY, "周明")


def test_a_handler_who_is_no_contact_of_the_party_is_refused(world: World) -> None:
    case_no = world.open()
    before = world.dump()

    for name in ("路人甲", "周明"):
        with pytest.raises(UnknownHandlerError, match=f"“{name}”不是“{ENTERPRISE}”登记的联系人"):
            world.answer(case_no, handler=name)

    assert world.dump() == before


def test_nobody_ends_a_notice_by_hand(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "public-notice")
    before = world.dump()

    with pytest.raises(SystemOnlyError, match="由系统在期满后自动办理"):
        world.say(case_no, outcome="公示期满无异议")
    # Nor by pretending to be the system.
    with pytest.raises(PilotError):
        world.give(
            world.item_id(case_no),
            {"outcome": "公示期满无异议"},
            caller=Caller(channel=Channel.SYSTEM, identity="系统自动"),
        )

    assert world.dump() == before


def test_the_same_key_gives_the_same_receipt_and_changes_nothing(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    first = world.give(item_id, form, key="k1")
    before = world.dump()
    world.go_to(_TOMORROW)

    assert world.give(item_id, form, key="k1") == first
    assert world.give(item_id, {"outcome": "撤回申报"}, key="k1") == first

    assert world.dump() == before
    with pytest.raises(KeyReusedError, match=f"提交编号 k1 已用于事项 {item_id}"):
        world.give(world.item_id(case_no), world.typical(case_no), key="k1")
    assert world.dump() == before


def test_the_same_words_on_the_same_day_are_the_same_answer(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    first = world.give(item_id, form)
    before = world.dump()

    assert world.give(item_id, form) == first
    assert world.dump() == before


def test_a_form_once_refused_is_not_accepted_behind_the_persons_back(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    with transaction(world.engine) as session:
        refuse(session, item_id, form, CLI, "承诺：须勾选", key="k1", at=world.moment.at)
        refuse(session, item_id, form, CLI, "另一种说法", key="k1", at=world.moment.at)
    before = world.dump()

    with pytest.raises(RefusedBeforeError, match="承诺：须勾选"):
        world.give(item_id, form, key="k1")

    assert world.dump() == before
    world.give(item_id, form, key="k2")


def test_a_deadline_in_a_year_whose_holidays_are_not_known_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2026, 12, 28))
    before = world.dump()

    with pytest.raises(HolidaysUnknownError, match="尚不知道 2027 年的节假日安排"):
        world.answer(case_no)

    assert world.dump() == before


def test_a_day_beyond_the_calendar_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2027, 1, 4))
    before = world.dump()

    with pytest.raises(PilotError, match="尚不知道 2027 年的节假日安排"):
        world.answer(case_no)

    assert world.dump() == before


def test_a_case_is_opened_once_in_time_and_in_a_batch_that_exists(world: World) -> None:
    first = world.open()
    before = world.dump()

    with pytest.raises(ProjectExistsError, match=f"已有案卷 {first}，每家企业只能申报一个项目"):
        world.open(batch=1)
    with pytest.raises(UnknownBatchError, match="没有第 3 批"):
        world.open(OTHER_ENTERPRISE, batch=3)
    world.go_to(date(2026, 1, 1))
    with pytest.raises(LapsedError, match="已于 2025-12-31 期满失效"):
        world.open(OTHER_ENTERPRISE)

    assert world.dump() == before


def test_a_withdrawal_needs_a_case_that_stands_and_a_reason(world: World) -> None:
    case_no = world.open()
    before = world.dump()

    with pytest.raises(ReasonMissingError):
        withdraw_case(case_no, " ", world.deed(), moment=world.moment, on=world.engine)
    with pytest.raises(UnknownCaseError, match="没有编号为 HS-9-9999 的案卷"):
        withdraw_case("HS-9-9999", "转产", world.deed(), moment=world.moment, on=world.engine)

    assert world.dump() == before


def test_nobody_to_ask_is_refused_before_anything_is_written(world: World) -> None:
    case_no = world.open()
    with transaction(world.engine) as session:
        bureau = session.exec(select(Party).where(Party.name == COUNTY)).one()
        bureau.county = "别处"
    before = world.dump()

    with pytest.raises(PilotError, match=r"没有登记县市区经信部门（大冶市），无法转交下一步"):
        world.answer(case_no)

    assert world.dump() == before


def test_what_a_session_for_reading_changes_is_undone(world: World) -> None:
    before = world.dump()

    with reading(world.engine) as session:
        session.exec(select(Party).where(Party.name == PROVIDER)).one().capacity = 999
        session.flush()

    assert world.dump() == before
