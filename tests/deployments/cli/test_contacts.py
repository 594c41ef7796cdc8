"""`pilot party contact`, on both databases."""

from tests.builders import CITY, ENTERPRISE
from tests.deployments.cli.conftest import Pilot

AT = ("--role", "企业", "--party", ENTERPRISE)


def people(pilot: Pilot) -> list[tuple[str, str, bool, bool]]:
    [party] = [
        each for each in pilot.json("party", "list")["parties"] if each["name"] == ENTERPRISE
    ]
    return [
        (each["name"], each["email"], each["is_primary"], each["has_left"])
        for each in party["contacts"]
    ]


def test_people_are_added_changed_put_first_and_leave_on_record(pilot: Pilot) -> None:
    [(first, email, *_)] = people(pilot)
    add = ("party", "contact", "add", *AT)

    assert pilot(*add, "--name", "丁一", "--email", "ding@example.com").status == 0
    assert people(pilot) == [
        (first, email, True, False),
        ("丁一", "ding@example.com", False, False),
    ]
    said = pilot(*add, "--name", "丁一", "--email", "ding2@example.com", "--first").out
    assert "同名联系人，邮箱 ding@example.com → ding2@example.com" in said
    said = pilot(*add, "--name", "丁一", "--email", "ding2@example.com", "--phone", "12345").out
    assert "同名联系人，电话 （空） → 12345" in said
    pilot("party", "contact", "left", *AT, "--name", "丁一")

    assert people(pilot) == [
        (first, email, True, False),
        ("丁一", "ding2@example.com", False, True),
    ]
    history = pilot.json("party", "history", ENTERPRISE)
    actions = [entry["action"] for entry in history["entries"]][-3:]
    assert actions == ["登记联系人", "登记联系人", "联系人离任"]
    assert "（已离任）" in pilot("party", "list").out


def test_who_has_left_may_come_back(pilot: Pilot) -> None:
    [(first, email, *_)] = people(pilot)
    add = ("party", "contact", "add", *AT)
    pilot(*add, "--name", "丁一", "--email", "ding@example.com")
    pilot("party", "contact", "left", *AT, "--name", first)

    assert [person[0] for person in people(pilot)] == ["丁一", first]
    pilot(*add, "--name", first, "--email", email, "--first")

    assert people(pilot) == [
        (first, email, True, False),
        ("丁一", "ding@example.com", False, False),
    ]


def test_what_would_leave_nobody_or_means_nobody_is_refused(pilot: Pilot) -> None:
    [(only, *_)] = people(pilot)
    left = ("party", "contact", "left", *AT, "--name")

    assert pilot.refused(*left, only) == (
        f"{only} 是“{ENTERPRISE}”唯一的联系人，请先登记接任的联系人"
    )
    assert "没有名为“无人”的联系人" in pilot.refused(*left, "无人")
    assert "邮件地址 'x' 不正确" in pilot.refused(
        "party",
        "contact",
        "add",
        "--role",
        "市经信局",
        "--party",
        CITY,
        "--name",
        "丁一",
        "--email",
        "x",
    )
