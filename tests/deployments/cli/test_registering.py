"""Registering parties, opening and withdrawing cases."""

import pytest
from sqlmodel import select

from models.rules.credit_code import check_digit
from models.rules.stages import CaseStatus, Channel, Role, Stage
from models.tables.audit import AuditEntry
from models.tables.party import Contact
from tasks.database import reading
from tests.builders import ENTERPRISE, OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot

_CODE = "91420281MA0TRYA01"
_NEW = {
    "--batch": "2",
    "--credit-code": _CODE + check_digit(_CODE),
    "--name": "示例新光电子",
    "--county": "大冶市",
    "--industry": "电子信息",
    "--contact": "秦岚",
    "--email": "qin@example.com",
}


def options(**changes: str) -> list[str]:
    """Return the options that open a case for a new enterprise, but for `changes`."""
    changed = {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return [part for pair in {**_NEW, **changed}.items() for part in pair]


def contacts(world: World, name: str) -> list[tuple[str, str, bool]]:
    party = world.party(Role.ENTERPRISE, name)
    with reading(world.engine) as session:
        people = session.exec(select(Contact).where(Contact.party_id == party.id)).all()
    return sorted((person.name, person.email, person.is_primary) for person in people)


def test_a_case_is_opened_and_its_enterprise_registered(pilot: Pilot, world: World) -> None:
    opened = pilot.json("case", "open", *options())

    assert opened["case_no"] == "HS-2-0001"
    assert (opened["item"]["party"], opened["item"]["step_label"]) == ("示例新光电子", "提交申报")
    assert contacts(world, "示例新光电子") == [("秦岚", "qin@example.com", True)]
    assert world.mails("HS-2-0001") == [("item_opened", "秦岚")]
    with reading(world.engine) as session:
        [entry] = session.exec(select(AuditEntry)).all()
    assert (entry.party, entry.actor, entry.channel) == (
        "示例市经信局",
        "周明",
        Channel.COMMAND_LINE,
    )


def test_a_known_enterprise_keeps_its_facts_and_gets_the_person_named(
    pilot: Pilot, world: World
) -> None:
    known = world.party(Role.ENTERPRISE, ENTERPRISE)
    given = {"credit_code": known.credit_code.lower(), "name": ENTERPRISE, "county": "阳新县"}

    pilot.json("case", "open", *options(**given), "--as", "吴静")

    assert world.party(Role.ENTERPRISE, ENTERPRISE).county == "大冶市"
    assert contacts(world, ENTERPRISE) == [
        ("林峰", "contact11-1@example.com", False),
        ("秦岚", "qin@example.com", True),
    ]


def test_of_a_known_enterprise_its_code_is_enough(pilot: Pilot, world: World) -> None:
    known = world.party(Role.ENTERPRISE, ENTERPRISE)
    before = contacts(world, ENTERPRISE)

    opened = pilot.json("case", "open", "--batch", 2, "--credit-code", known.credit_code)

    assert opened["item"]["enterprise"] == ENTERPRISE
    assert contacts(world, ENTERPRISE) == before
    assert world.mails(opened["case_no"]) == [("item_opened", "林峰")]
    assert pilot.refused("case", "open", "--batch", 2, *options()[2:4]) == (
        "登记企业时必须填写名称"
    )


def test_a_case_that_cannot_be_opened_registers_nobody(pilot: Pilot, world: World) -> None:
    known = world.party(Role.ENTERPRISE, ENTERPRISE)
    world.open(OTHER_ENTERPRISE)
    busy = world.party(Role.ENTERPRISE, OTHER_ENTERPRISE)

    def refused(**changes: str) -> str:
        return pilot.refused("case", "open", *options(**changes))

    assert refused(batch="7") == "没有第 7 批"
    assert refused(credit_code=_CODE + "AB"[check_digit(_CODE) == "A"]).endswith(
        "校验码不符，请对照营业执照逐位核对"
    )
    assert refused(credit_code=known.credit_code) == (
        f"统一社会信用代码 {known.credit_code} 已登记为“{ENTERPRISE}”，与“示例新光电子”不符"
    )
    assert refused(county="武汉市").startswith("所属县市区“武汉市”不在试点范围内")
    assert refused(industry="农业").startswith("所属行业“农业”不在试点范围内")
    assert refused(email="nobody") == "邮件地址 'nobody' 不正确，请改正该联系人的邮箱"
    assert refused(name=" ") == "登记企业时必须填写名称"
    assert refused(contact=" ") == "登记企业时必须填写联系人"
    assert refused(credit_code=busy.credit_code, name=OTHER_ENTERPRISE) == (
        f"“{OTHER_ENTERPRISE}”已有案卷 HS-2-0001，每家企业只能申报一个项目"
    )
    assert pilot.refused("case", "open", *options(), "--as", "路人") == (
        "经办人“路人”不是“示例市经信局”登记的联系人；已登记：周明、吴静"
    )


def test_a_case_is_withdrawn_once_with_its_reason(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")

    ended = pilot.json("case", "withdraw", case_no, "--reason", "经营调整")

    assert ended["status"] == "withdrawn"
    assert world.case(case_no).status is CaseStatus.WITHDRAWN
    last = pilot.json("case", "history", case_no)["entries"][-1]
    assert (last["party"], last["actor"], last["said"]) == (
        ENTERPRISE,
        "林峰",
        [["理由", "经营调整"]],
    )
    assert pilot.refused("case", "withdraw", case_no, "--reason", "再次") == (
        f"案卷 {case_no} 已撤回，不能撤回"
    )


def test_a_withdrawal_needs_a_case_a_reason_and_a_known_person(pilot: Pilot, world: World) -> None:
    case_no = world.open()

    assert pilot.refused("case", "withdraw", "HS-9-0001", "--reason", "x") == (
        "没有编号为 HS-9-0001 的案卷；可用 pilot case list 查看"
    )
    assert pilot.refused("case", "withdraw", case_no, "--reason", " ") == (
        "必须写明理由（--reason）"
    )
    assert pilot.refused("case", "withdraw", case_no, "--reason", "x", "--as", "路人") == (
        f"经办人“路人”不是“{ENTERPRISE}”登记的联系人；已登记：林峰"
    )


def test_a_provider_is_registered_with_its_standing(pilot: Pilot) -> None:
    given = ("--role", "服务商", "--contact", "秦岚", "--email", "qin@example.com")

    first = pilot.json("party", "add", *given, "--name", "示例甲科技", "--capacity", "3")["party"]
    second = pilot.json("party", "add", *given, "--name", "示例乙科技", "--not-admitted")["party"]

    assert (first["is_admitted"], first["capacity"]) == (True, 3)
    assert (second["is_admitted"], second["capacity"]) == (False, None)
    listed = pilot("party", "list", "--role", "provider").out
    assert "示例乙科技（未入资源池）" in listed


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["--role", "市经信局"], "市经信局“示例市经信局”已经登记，全市只有一个"),
        (["--role", "系统"], "“系统”不是可以登记的单位"),
        (["--role", "县市区经信部门"], "登记县市区经信部门时必须填写所属县市区"),
        (
            ["--role", "县市区经信部门", "--county", "大冶市"],
            "县市区经信部门“示例大冶经信局”已经登记，大冶市只有一个",
        ),
        (["--role", "企业"], "登记企业时必须填写统一社会信用代码"),
        (
            ["--role", "企业", "--credit-code", _NEW["--credit-code"]],
            "登记企业时必须填写所属行业",
        ),
        (["--role", "服务商", "--name", "示例磁湖软件"], "服务商“示例磁湖软件”已经登记"),
        (["--role", "服务商", "--email", "x"], "邮件地址 'x' 不正确，请改正该联系人的邮箱"),
    ],
)
def test_a_party_that_cannot_be_registered_is_refused(
    pilot: Pilot, given: list[str], reason: str
) -> None:
    defaults = ("--name", "示例丙", "--contact", "秦岚", "--email", "qin@example.com")

    assert pilot.refused("party", "add", *defaults, *given) == reason


def history(pilot: Pilot, name: str) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Return clause, action and changes of all that was registered under a name."""
    return [
        (
            entry["clause"],
            entry["action"],
            [(change["field"], change["before"], change["after"]) for change in entry["changes"]],
        )
        for entry in pilot.json("party", "history", name)["entries"]
    ]


def test_a_registration_is_on_the_trail_with_all_that_was_registered(
    pilot: Pilot, world: World
) -> None:
    given = ("--name", "示例丁软件", "--contact", "秦岚", "--email", "qin@example.com")

    pilot.json("party", "add", "--role", "服务商", *given, "--capacity", "3")

    [entry] = pilot.json("party", "history", "示例丁软件")["entries"]
    assert (entry["party"], entry["channel"]) == ("示例市经信局", "cli")
    assert entry["actor"] in entry["identity"]
    assert history(pilot, "示例丁软件") == [
        (
            "黄政办函〔2024〕12号 三（一）2",
            "登记服务商",
            [
                ("角色", "", "服务商"),
                ("名称", "", "示例丁软件"),
                ("在资源池内", "", "是"),
                ("承接上限", "", "3"),
                ("联系人", "", "秦岚 qin@example.com"),
            ],
        )
    ]
    assert "承接上限：3" in pilot("party", "history", "示例丁软件").out
    assert world.verify() == []


def test_another_first_contact_is_on_the_trail_and_the_same_one_again_is_no_change(
    pilot: Pilot, world: World
) -> None:
    given = {
        "credit_code": world.party(Role.ENTERPRISE, ENTERPRISE).credit_code,
        "name": ENTERPRISE,
    }

    opened = pilot.json("case", "open", *options(**given))
    pilot.json("case", "withdraw", opened["case_no"], "--reason", "经营调整")
    pilot.json("case", "open", *options(**given))

    [_, changed] = history(pilot, ENTERPRISE)
    assert changed[1:] == (
        "立案时登记企业及其第一联系人",
        [
            (
                "联系人",
                "林峰 contact11-1@example.com",
                "秦岚 qin@example.com；林峰 contact11-1@example.com",
            )
        ],
    )
    assert world.verify() == []


def test_nobody_registered_has_no_history(pilot: Pilot) -> None:
    assert pilot.refused("party", "history", "示例无名") == (
        "没有登记名为“示例无名”的单位；可用 pilot party list 查看"
    )
