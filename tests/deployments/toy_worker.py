"""`python -m tests.deployments.toy_worker`: the worker, serving the toy flows."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployments import worker

if TYPE_CHECKING:
    from deployments.registration import FlowToRegister


def _toys() -> Sequence["FlowToRegister"]:
    from tests.deployments.toy_flows import DEPLOYMENTS

    return DEPLOYMENTS


if __name__ == "__main__":
    sys.exit(worker.run(_toys))
