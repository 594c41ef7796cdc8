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


def test_an_empty_programme_has_a_forecast_too(pilot: Pilot) -> None:
    assert pilot("milestone", "forecast").status == 0
    assert pilot.json("milestone", "forecast")["bottleneck"] is None
