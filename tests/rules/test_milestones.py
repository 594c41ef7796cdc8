"""The state of a milestone, from what was done, what was promised, and the days."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.milestones import (
    MilestoneState,
    Part,
    RiskRule,
    elapsed_share,
    state_of,
    state_of_all,
)

RULE = RiskRule(judged_from=Decimal("0.5"), lag=Decimal("0.3"), without_number_from=Decimal("0.9"))
FIRST, LAST = date(2025, 6, 1), date(2025, 6, 30)
FINISHED = {MilestoneState.DONE, MilestoneState.DONE_LATE}


def part(value=None, target=None, done_on=None):
    return Part(value=value, target=target, done_on=done_on, starts_on=FIRST, ends_on=LAST)


def state(day, **known):
    return state_of(part(**known), RULE, date(2025, 6, 1) + timedelta(days=day - 1)).label


@pytest.mark.parametrize(
    ("day", "known", "label"),
    [
        (0, {"value": 0, "target": 100}, "未开始"),
        (0, {"value": 3, "target": 100}, "进行中"),  # begun before its time
        (0, {"value": 3}, "未开始"),  # three providers were in the pool before
        (1, {"value": 0, "target": 100}, "进行中"),
        (14, {"value": 0, "target": 100}, "进行中"),  # 14/30: too early to judge
        (15, {"value": 0, "target": 100}, "有风险"),  # half of the window, nothing done
        (15, {"value": 20, "target": 100}, "进行中"),  # 0.5 - 0.2 is the lag allowed
        (15, {"value": 19, "target": 100}, "有风险"),
        (30, {"value": 70, "target": 100}, "进行中"),  # the last day belongs to the window
        (30, {"value": 69, "target": 100}, "有风险"),
        (31, {"value": 99, "target": 100}, "逾期"),
        (30, {"value": 0, "target": 0}, "有风险"),  # all of nobody is not done
        (26, {}, "进行中"),
        (27, {}, "有风险"),  # nine tenths of the window, and no evidence
        (31, {}, "逾期"),
        (31, {"value": 100, "target": 100, "done_on": LAST}, "已完成"),
        (31, {"value": 100, "target": 100, "done_on": date(2025, 7, 1)}, "逾期完成"),
        (0, {"done_on": date(2025, 5, 1)}, "已完成"),  # before its time
    ],
)
def test_a_state_follows_from_number_and_day(day, known, label):
    assert state(day, **known) == label


def test_a_milestone_of_two_parts_stands_where_the_worse_stands():
    counted = part(value=100, target=100, done_on=LAST)
    shown = part()

    def both(day):
        return state_of_all([counted, shown], RULE, day).label

    assert both(date(2025, 5, 31)) == "进行中"
    assert both(LAST) == "有风险"
    assert both(date(2025, 7, 1)) == "逾期"
    late = part(done_on=date(2025, 7, 2))
    assert state_of_all([counted, late], RULE, date(2025, 7, 2)).label == "逾期完成"


DAYS = st.dates(min_value=date(2025, 4, 1), max_value=date(2025, 9, 30))
VALUES = st.integers(min_value=0, max_value=300)


@given(day=DAYS, value=VALUES, target=st.integers(min_value=1, max_value=200))
def test_more_done_is_never_worse(day, value, target):
    order = ["逾期", "有风险", "未开始", "进行中"]

    def rank(number):
        return order.index(state_of(part(value=number, target=target), RULE, day).label)

    assert rank(value + 1) >= rank(value)


@given(day=DAYS, value=VALUES, target=st.integers(min_value=1, max_value=200))
def test_what_is_not_done_is_overdue_from_the_day_after_the_last(day, value, target):
    found = state_of(part(value=value, target=target), RULE, day)

    assert (found is MilestoneState.OVERDUE) == (day > LAST)
    assert found not in FINISHED


@given(day=DAYS, done_on=DAYS)
def test_what_is_done_is_late_if_and_only_if_its_day_was(day, done_on):
    found = state_of(part(value=1, target=1, done_on=done_on), RULE, day)

    assert found is (MilestoneState.DONE_LATE if done_on > LAST else MilestoneState.DONE)


@given(day=DAYS)
def test_the_share_of_the_window_grows_from_nothing_to_all(day):
    share = elapsed_share(FIRST, LAST, day)

    assert 0 <= share <= 1
    assert (share == 0) == (day < FIRST)
    assert (share == 1) == (day >= LAST)
    assert elapsed_share(FIRST, LAST, day + timedelta(days=1)) >= share
