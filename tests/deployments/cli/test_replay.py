"""What `pilot replay` refuses; `tests/deployments/replay` has what it does."""

import pytest

from tests.deployments.cli.conftest import Pilot


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (("2023-12-31", "2024-03-31"), "应在 2024-01-01 至 2025-12-31 之间，且起不晚于止"),
        (("2025-01-01", "2026-01-01"), "应在 2024-01-01 至 2025-12-31 之间，且起不晚于止"),
        (("2024-03-01", "2024-02-01"), "应在 2024-01-01 至 2025-12-31 之间，且起不晚于止"),
        (("2024-05-01", "2024-06-30"), "其间没有一批在受理申报"),
    ],
)
def test_days_on_which_nobody_can_apply_are_refused(
    pilot: Pilot, days: tuple[str, str], why: str
) -> None:
    first, last = days

    refused = pilot.refused("replay", "--from", first, "--to", last)

    assert refused == f"重放的起止日期不可用：{why}"


def test_what_is_no_day_is_a_slip_of_the_pen(pilot: Pilot) -> None:
    ran = pilot("replay", "--from", "yesterday")

    assert (ran.status, ran.out) == (2, "")
    assert "“yesterday”，应为日期，例如 2024-01-01" in ran.err
