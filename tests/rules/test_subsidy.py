"""The subsidy by the plan's rule, to the fen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.subsidy import (
    RateAboveCeilingError,
    SubsidyAboveCeilingError,
    SubsidyPolicy,
    eligible_sum,
    require_within_ceiling,
    subsidy_ceiling,
)

POLICY = SubsidyPolicy(
    rate=Decimal("0.4"), cap=Decimal(200000), min_level=2, source="黄政办函〔2024〕12号 三（一）4"
)
MONEY = st.decimals(0, 10**9, places=2)
LEVELS = st.integers(0, 4)


@pytest.mark.parametrize(
    ("spend", "level", "amount"),
    [
        ("300000", 2, "120000.00"),
        ("500000", 2, "200000.00"),
        ("800000", 4, "200000.00"),
        ("300000", 1, "0.00"),
        ("300000", 0, "0.00"),
        ("0.04", 2, "0.01"),  # 0.016 rounds down: never above the ceiling
        ("0.02", 2, "0.00"),
        ("499999.99", 2, "199999.99"),  # 199999.996: one fen below the cap stays below it
        ("500000.01", 2, "200000.00"),
        ("500000.03", 3, "200000.00"),
        ("0", 2, "0.00"),
    ],
)
def test_subsidy_is_the_rate_on_eligible_spend_up_to_the_cap_from_level_two(spend, level, amount):
    assert str(subsidy_ceiling(Decimal(spend), level, POLICY).amount) == amount


@pytest.mark.parametrize(
    ("contract", "invoice", "paid", "eligible"),
    [
        ("100", "90", "80", "80"),
        ("100", "90", "95", "90"),
        ("70", "90", "95", "70"),
        ("70", "70", "0", "0"),
    ],
)
def test_only_the_least_of_contract_invoice_and_payment_counts(contract, invoice, paid, eligible):
    assert eligible_sum(Decimal(contract), Decimal(invoice), Decimal(paid)) == Decimal(eligible)


def test_negative_sums_are_no_spend():
    with pytest.raises(ValueError, match="negative"):
        eligible_sum(Decimal(100), Decimal(-1), Decimal(100))
    with pytest.raises(ValueError, match="negative"):
        subsidy_ceiling(Decimal(-1), 2, POLICY)


def test_a_reviewer_can_redo_a_plain_award():
    assert subsidy_ceiling(Decimal(300000), 2, POLICY).explanation() == [
        "核定的实际投入：300,000.00 元",
        "补助比例上限：40%",
        "按比例：300,000.00 元 × 40% = 120,000.00 元",
        "未超过每家最高 200,000.00 元",
        "改造后数字化水平等级：二级，达到二级及以上的要求",
        "补助上限：120,000.00 元",
        "依据：黄政办函〔2024〕12号 三（一）4",
    ]


def test_a_reviewer_sees_the_rounding_the_cap_and_the_level():
    rounded = subsidy_ceiling(Decimal("0.04"), 2, POLICY).explanation()
    capped = subsidy_ceiling(Decimal(800000), 3, POLICY).explanation()
    too_low = subsidy_ceiling(Decimal(300000), 1, POLICY).explanation()
    unrated = subsidy_ceiling(Decimal(300000), 0, POLICY).explanation()

    assert rounded[2] == "按比例：0.04 元 × 40% = 0.016 元，不足一分的舍去，得 0.01 元"
    assert capped[3] == "超过每家最高 200,000.00 元，按 200,000.00 元 计"
    assert too_low[4:6] == [
        "改造后数字化水平等级：一级，未达到二级，不予补助",
        "补助上限：0.00 元",
    ]
    assert unrated[4] == "改造后数字化水平等级：未达一级，未达到二级，不予补助"


def test_the_ceiling_itself_may_be_granted():
    due = subsidy_ceiling(Decimal(800000), 2, POLICY)

    require_within_ceiling(Decimal("0.4"), Decimal(200000), due, POLICY)
    require_within_ceiling(Decimal("0.2"), Decimal(160000), due, POLICY)
    require_within_ceiling(Decimal(0), Decimal(0), due, POLICY)


def test_a_rate_above_the_ceiling_is_refused():
    due = subsidy_ceiling(Decimal(300000), 2, POLICY)

    with pytest.raises(RateAboveCeilingError) as refused:
        require_within_ceiling(Decimal("0.405"), Decimal(1), due, POLICY)
    assert str(refused.value) == "拟定的补助比例 40.5% 超过上限 40%"


@pytest.mark.parametrize(
    ("spend", "level", "rate", "amount", "message"),
    [
        (
            "300000", 2, "0.4", "120000.01",
            "拟定的补助金额 120,000.01 元超过可补助上限 120,000.00 元",
        ),
        (
            "800000", 2, "0.4", "200000.01",
            "拟定的补助金额 200,000.01 元超过可补助上限 200,000.00 元",
        ),
        # the proposed rate itself gives no more
        (
            "300000", 2, "0.3", "90000.01",
            "拟定的补助金额 90,000.01 元超过可补助上限 90,000.00 元",
        ),
        ("300000", 1, "0.4", "0.01", "拟定的补助金额 0.01 元超过可补助上限 0.00 元"),
    ],
)  # fmt: skip
def test_a_fen_too_many_is_refused(spend, level, rate, amount, message):
    due = subsidy_ceiling(Decimal(spend), level, POLICY)

    with pytest.raises(SubsidyAboveCeilingError) as refused:
        require_within_ceiling(Decimal(rate), Decimal(amount), due, POLICY)
    assert str(refused.value) == message


def test_a_negative_proposal_is_a_mistake_of_the_caller():
    due = subsidy_ceiling(Decimal(300000), 2, POLICY)

    with pytest.raises(ValueError, match="negative"):
        require_within_ceiling(Decimal("0.4"), Decimal(-1), due, POLICY)


@given(spend=MONEY, level=LEVELS)
def test_no_award_is_above_its_share_or_the_cap_and_none_loses_a_fen(spend, level):
    due = subsidy_ceiling(spend, level, POLICY)

    share = min(spend * POLICY.rate, POLICY.cap)
    if level < POLICY.min_level:
        assert due.amount == 0
    else:
        assert Decimal(0) <= share - due.amount < Decimal("0.01")


@given(spend=MONEY, more=MONEY, level=LEVELS)
def test_more_spend_never_means_less_subsidy(spend, more, level):
    less_due = subsidy_ceiling(spend, level, POLICY).amount
    more_due = subsidy_ceiling(spend + more, level, POLICY).amount

    assert less_due <= more_due


@given(spend=MONEY, level=LEVELS)
def test_what_is_due_may_be_granted_and_a_fen_more_may_not(spend, level):
    due = subsidy_ceiling(spend, level, POLICY)

    require_within_ceiling(POLICY.rate, due.amount, due, POLICY)
    with pytest.raises(SubsidyAboveCeilingError):
        require_within_ceiling(POLICY.rate, due.amount + Decimal("0.01"), due, POLICY)
