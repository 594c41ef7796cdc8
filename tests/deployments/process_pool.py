"""`python -m tests.deployments.process_pool`: the toys served by Prefect's own process worker."""

import sys

from deployments.prefect_environment import enter_prefect_environment
from deployments.settings import Settings

if __name__ == "__main__":
    enter_prefect_environment(Settings.read())

    from prefect.cli import app

    from deployments.registration import register
    from tests.deployments.toy_flows import ask_twice

    register([(ask_twice, "by-process", None, ())], pool="processes", pool_type="process")
    sys.argv = ["prefect", "worker", "start", "--type", "process", "--pool", "processes"]
    app()
