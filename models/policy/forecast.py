"""How the forecast of the targets is made."""

from models.policy.figures import Count, Figures, Sourced


class ForecastFigures(Sourced):
    """How the forecast is made: so many runs; a step with fewer finished items is not known."""

    runs: Count
    min_observations: Count


class ForecastFile(Figures):
    """`forecast.toml`."""

    forecast: ForecastFigures
