"""`pilot calendar add`: a year from a checked file, once, on record; never over what is known."""

from datetime import date
from pathlib import Path

import pytest

from models.operations.calendar_days import add_working_days
from tasks.database import reading
from tests.builders import CITY, World
from tests.deployments.cli.conftest import Pilot
from tests.holidays import YEAR_2027


def write(pilot: Pilot, text: str, name: str = "2027.toml") -> Path:
    path = pilot.home / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_year_from_a_file_makes_deadlines_in_it_possible_and_is_on_record(
    pilot: Pilot, world: World
) -> None:
    said = pilot.json("calendar", "add", write(pilot, YEAR_2027))

    # 261 weekdays, thirteen of them off, two weekend days worked.
    assert said["working_days"] == 261 - 13 + 2
    with reading(world.engine) as session:
        assert add_working_days(session, date(2026, 12, 31), 1) == date(2027, 1, 4)
        assert add_working_days(session, date(2027, 1, 29), 1) == date(2027, 1, 31)
        assert add_working_days(session, date(2027, 2, 4), 1) == date(2027, 2, 12)
    assert world.verify() == []
    out = pilot("party", "history", CITY).out
    assert "录入 2027 年节假日安排（虚构的通知，仅供测试）" in out


def test_the_same_year_twice_is_once_and_another_one_in_its_place_is_refused(
    pilot: Pilot, world: World
) -> None:
    path = write(pilot, YEAR_2027)
    pilot.json("calendar", "add", path)
    before = world.dump()

    assert pilot.json("calendar", "add", path)["is_repeat"] is True
    assert world.dump() == before
    other = write(pilot, YEAR_2027.replace("2027-10-05", "2027-10-06"), "other.toml")
    assert pilot.refused("calendar", "add", other) == (
        "2027 年已经录入，与此文件有 2 天不同（2027-10-05、2027-10-06）；"
        "已有期限按录入的安排推算，不能覆盖"
    )


def test_a_csv_file_says_the_same(pilot: Pilot, world: World) -> None:
    off = ("2027-01-01", "2027-05-01", "2027-10-01")
    lines = ["日期,类型", *(f"{day},休" for day in off), "2027-09-26,班"]
    path = write(pilot, "\ufeff" + "\r\n".join(lines), "2027.csv")

    assert "没有写明依据" in pilot.refused("calendar", "add", path)
    said = pilot.json("calendar", "add", path, "--source", "虚构的通知")

    assert said["working_days"] == 261 - 2 + 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("2027-02-05", "2026-02-05"), "2026-02-05 不在 2027 年"),
        (("2027-02-05", "2027-02-08"), "2027-02-08 重复"),
        (("2027-09-26", "2027-10-05"), "2027-10-05 重复；2027-10-05 是星期二，本来就上班"),
        (("2027-09-26", "2027-09-27"), "2027-09-27 是星期一，本来就上班，不是调休上班日"),
        (("2027-10-01, ", ""), "缺少国庆节 2027-10-01"),
        (('"虚构的通知，仅供测试"', '" "'), "没有写明依据"),
        (("make_up_days", "makeup"), "没有 makeup 这一项"),
        (("days_off = [", "days_off = 3 #"), "不是有效的 TOML"),
        (("2027-02-05", '"2027-02-05"'), "days_off 应为日期的列表"),
        (("year = 2027", "year = 2028"), "不在 2028 年"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_whole(
    pilot: Pilot, change: tuple[str, str], why: str
) -> None:
    refusal = pilot.refused("calendar", "add", write(pilot, YEAR_2027.replace(*change)))

    assert refusal.startswith("节假日文件不可用，未改变任何内容：")
    assert why in refusal


def test_a_known_year_is_not_overwritten_and_none_is_left_out(pilot: Pilot) -> None:
    assert pilot.refused("calendar", "add", write(pilot, YEAR_2027.replace("2027", "2025"))) != ""
    known = """
year = 2025
source = "x"
days_off = [2025-01-01, 2025-05-01, 2025-10-01]
"""
    assert pilot.refused("calendar", "add", write(pilot, known)) == (
        "2025 年的节假日安排由 chinesecalendar 提供，不能用文件覆盖；"
        "日历表缺这一年时运行 pilot db upgrade"
    )
    assert pilot.refused("calendar", "add", write(pilot, known.replace("2025", "2028"))) == (
        "不能录入 2028 年：日历须逐年相接，请先录入 2027 年"
    )


def test_a_file_that_is_not_there_or_not_text_is_refused(pilot: Pilot) -> None:
    assert "读不到文件" in pilot.refused("calendar", "add", pilot.home / "nothing.toml")
    path = pilot.home / "photo.csv"
    path.write_bytes(b"\xff\xd8\xff\x00")
    assert pilot.refused("calendar", "add", path).endswith("不是文本文件，请用 TOML 或 CSV")


def test_a_csv_as_excel_saves_it_on_a_chinese_windows_is_taken(pilot: Pilot) -> None:
    path = pilot.home / "excel.csv"
    lines = ["日期,类型", "2027/1/1,休", "2027/5/1,休", "2027/10/1,休", "2027/1/31,班"]
    path.write_bytes("\r\n".join(lines).encode("gbk"))

    said = pilot.json("calendar", "add", path, "--source", "国办发明电〔2026〕9号")

    # 261 weekdays, of them 1 January and 1 October off; one Sunday is worked.
    assert (said["year"], said["working_days"]) == (2027, 260)
