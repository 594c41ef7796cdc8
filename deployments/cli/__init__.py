"""The command line `pilot`. It never imports Prefect, which takes two seconds to do so."""

from deployments.cli.application import main

__all__ = ["main"]
