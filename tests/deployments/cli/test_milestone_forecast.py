"""`pilot milestone forecast`."""

from models.rules.stages import Stage
from tests.builders import World
from tests.deployments.cli.conftest import Pilot


def test_the_forecast_says_when_how_likely_and_who_is_in_the_way(
    pilot: Pilot, world: World
) -> None:
    world.started(Stage.TRANSFORMATION, "declare")
    before = world.dump()

    said = pilot.json("milestone", "forecast")
    page = pilot("milestone", "forecast").out

    keys = [each["key"] for each in said["forecast"]["targets"]]
    assert keys == [
        # What counts cases, and of what a batch has selected any; the others have no number yet.
        "2024-01",
        "2025-01",
        "2025-03",
        "2025-07",
        "transformed-enterprises",
    ]
    [start] = said["forecast"]["latest_starts"]
    assert (start["remainder"], start["is_too_late"]) == (43, False)
    assert "数据太少" in page
    assert "案卷数不够" in page
    assert "最迟办完" in page
    assert world.dump() == before


def test_what_rests_on_the_policys_lengths_says_so_in_place_of_a_share(
    pilot: Pilot, world: World
) -> None:
    """A case that has 实施改造 before it, of which nothing is known yet."""
    world.started(Stage.DIAGNOSIS, "diagnose")

    said = pilot.json("milestone", "forecast")["forecast"]
    page = pilot("milestone", "forecast").out

    targets = {each["key"]: each for each in said["targets"]}
    assert targets["2025-03"]["chance_percent"] is None
    assert "改造 · 实施改造" in targets["2025-03"]["steps_with_few_data"]
    [start] = said["latest_starts"]
    assert start["latest_on"] == "2025-09-26"
    assert start["steps_of_one_day"] == ["改造 · 实施改造"]
    [told] = [line for line in page.splitlines() if "2025-03-31" in line or "能按期达到" in line]
    assert "数据太少" in told
    assert "%" not in told
    assert "（按时限推算）" in page
    assert "改造 · 实施改造没有规定天数，推算为办到期末" in page
    assert "2025-09-26" in page
    assert "只计 1 天" in page
    assert "实际需要多少天，请相应提前" in page


def test_an_empty_programme_has_a_forecast_too(pilot: Pilot) -> None:
    assert pilot("milestone", "forecast").status == 0
    assert pilot.json("milestone", "forecast")["bottleneck"] is None
