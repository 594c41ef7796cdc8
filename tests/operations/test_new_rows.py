"""Inserting only what is not there yet: the same on both databases, and written once."""

from datetime import date

from sqlalchemy import Engine, func, literal, select

from models.operations.new_rows import insert_new
from models.tables.programme import CalendarDay

DAYS = CalendarDay.metadata.tables["calendar_day"]
ROWS = [{"day": date(2024, 2, day), "is_workday": True, "workday_no": day} for day in (5, 6, 7)]


def test_rows_that_are_there_are_passed_over_and_the_others_are_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert_new(DAYS), ROWS[:2])
        connection.execute(insert_new(DAYS), [{**row, "workday_no": 99} for row in ROWS])

        kept = connection.execute(select(DAYS.c.workday_no).order_by(DAYS.c.day)).scalars().all()

    assert kept == [5, 6, 99]


def test_so_are_the_rows_of_a_query_and_those_that_are_new_are_counted(engine: Engine) -> None:
    shifted = select(DAYS.c.day, DAYS.c.is_workday, literal(1)).where(DAYS.c.workday_no > 0)

    with engine.begin() as connection:
        connection.execute(insert_new(DAYS), ROWS[:2])
        again = connection.execute(
            insert_new(DAYS).from_select(["day", "is_workday", "workday_no"], shifted),
            execution_options={"preserve_rowcount": True},
        )

        assert again.rowcount == 0
        assert connection.execute(select(func.count()).select_from(DAYS)).scalar() == 2


def test_the_statements_text_is_written_once(engine: Engine) -> None:
    texts: dict[object, object] = {}

    with engine.connect().execution_options(compiled_cache=texts) as connection:
        for row in ROWS:
            connection.execute(insert_new(DAYS), [row])

    assert len(texts) == 1
