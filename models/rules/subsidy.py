"""The subsidy ceiling: a rate on eligible spend, up to a cap, from a level up."""

from dataclasses import dataclass
from decimal import Decimal

from models.rules.errors import PilotError
from models.rules.grading import level_text
from models.rules.money import to_fen, yuan_text


@dataclass(frozen=True, kw_only=True)
class SubsidyPolicy:
    """The figures of one programme: rate and cap are ceilings, `source` says where they stand."""

    rate: Decimal
    cap: Decimal
    min_level: int
    source: str


@dataclass(frozen=True, kw_only=True)
class SubsidyDue:
    """The most that may be granted, with what it was computed from, to be redone by hand."""

    eligible_spend: Decimal
    rate: Decimal
    uncapped: Decimal
    cap: Decimal
    amount: Decimal
    level: int
    min_level: int
    source: str

    def explanation(self) -> list[str]:
        """Return the computation in Chinese, one step a line."""
        spend, rate, exact = (
            self.eligible_spend,
            _percent(self.rate),
            self.eligible_spend * self.rate,
        )
        product = f"按比例：{yuan_text(spend)} × {rate} = "
        if exact == self.uncapped:
            product += yuan_text(self.uncapped)
        else:
            product += f"{exact:f} 元，不足一分的舍去，得 {yuan_text(self.uncapped)}"
        if self.uncapped > self.cap:
            capping = f"超过每家最高 {yuan_text(self.cap)}，按 {yuan_text(self.cap)} 计"
        else:
            capping = f"未超过每家最高 {yuan_text(self.cap)}"
        needed, reached = level_text(self.min_level), level_text(self.level)
        if self.level < self.min_level:
            grade = f"改造后数字化水平等级：{reached}，未达到{needed}，不予补助"
        else:
            grade = f"改造后数字化水平等级：{reached}，达到{needed}及以上的要求"
        return [
            f"核定的实际投入：{yuan_text(spend)}",
            f"补助比例上限：{rate}",
            product,
            capping,
            grade,
            f"补助上限：{yuan_text(self.amount)}",
            f"依据：{self.source}",
        ]


class RateAboveCeilingError(PilotError):
    """The proposed rate is above the programme's."""

    def __init__(self, rate: Decimal, ceiling: Decimal) -> None:
        """Name both rates."""
        self.rate = rate
        self.ceiling = ceiling
        super().__init__(f"拟定的补助比例 {_percent(rate)} 超过上限 {_percent(ceiling)}")


class SubsidyAboveCeilingError(PilotError):
    """The proposed amount is above what the rule allows for this case."""

    def __init__(self, amount: Decimal, ceiling: Decimal) -> None:
        """Name both amounts."""
        self.amount = amount
        self.ceiling = ceiling
        super().__init__(f"拟定的补助金额 {amount:,f} 元超过可补助上限 {yuan_text(ceiling)}")


def _percent(rate: Decimal) -> str:
    """Return `40%` for 0.4 and `33.5%` for 0.335."""
    return f"{(rate * 100).normalize():f}%"


def eligible_sum(
    contract_sum: Decimal, invoice_sum_without_tax: Decimal, paid_sum: Decimal
) -> Decimal:
    """Return what of one expenditure counts: the least of contract, invoice without tax, paid."""
    least = min(contract_sum, invoice_sum_without_tax, paid_sum)
    if least < 0:
        raise ValueError(f"{least} yuan: a sum cannot be negative")
    return least


def subsidy_ceiling(eligible_spend: Decimal, level: int, policy: SubsidyPolicy) -> SubsidyDue:
    """Return the most that may be granted on `eligible_spend` to an enterprise of `level`.

    Rounding happens once, downwards, on the product: a fen above the ceiling is a fen too many.
    Below the policy's level the amount is zero (plan 三（一）4).
    """
    if eligible_spend < 0:
        raise ValueError(f"{eligible_spend} yuan: spend cannot be negative")
    uncapped = to_fen(eligible_spend * policy.rate)
    capped = to_fen(min(uncapped, policy.cap))
    return SubsidyDue(
        eligible_spend=eligible_spend,
        rate=policy.rate,
        uncapped=uncapped,
        cap=policy.cap,
        amount=capped if level >= policy.min_level else to_fen(Decimal(0)),
        level=level,
        min_level=policy.min_level,
        source=policy.source,
    )


def require_within_ceiling(
    rate: Decimal, amount: Decimal, due: SubsidyDue, policy: SubsidyPolicy
) -> None:
    """Raise unless `rate` and `amount` may be granted.

    `RateAboveCeilingError` where the rate is above the policy's; `SubsidyAboveCeilingError` where
    the amount is above what is due, or above what the proposed rate itself gives.
    """
    if rate < 0 or amount < 0:
        raise ValueError(f"rate {rate} and amount {amount} cannot be negative")
    if rate > policy.rate:
        raise RateAboveCeilingError(rate, policy.rate)
    ceiling = min(due.amount, to_fen(due.eligible_spend * rate))
    if amount > ceiling:
        raise SubsidyAboveCeilingError(amount, ceiling)
