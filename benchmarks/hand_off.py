"""An answer is given: how soon the next form stands in Prefect, when nothing else goes on."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from benchmarks.result import Measure, Result
from tasks.answering import answer_item
from tests.builders import CLI
from tests.system.crowd import new_cases
from tests.system.instance import Instance, running

HAND_OFFS = 20
#: seconds, for 95 of 100 hand-offs
AIM = 3.0

#: Between two looks for the next form: small against what is measured, and no load.
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0


def run() -> Result:
    """Carry cases from their first form to the second in Prefect, to the third from outside."""
    measures: list[Measure] = []
    with (
        tempfile.TemporaryDirectory() as home,
        running(Instance(Path(home))) as instance,
    ):
        cases = new_cases(instance, HAND_OFFS)
        for case_no in cases:
            instance.wait_at_form(case_no)
        for way, give in (("in Prefect", _in_prefect), ("elsewhere", _elsewhere)):
            taken = [_hand_off(instance, case_no, give) for case_no in cases]
            centiles = quantiles(taken, n=100, method="inclusive")
            p50, p95 = centiles[49], centiles[94]
            measures += [
                Measure(what=f"answered {way}: p50", value=p50, unit="s"),
                Measure(
                    what=f"answered {way}: p95",
                    value=p95,
                    unit="s",
                    aim=f"≤ {AIM}",
                    is_met=p95 <= AIM,
                ),
            ]
    return Result(
        part="hand_off",
        title="From an answer to the next form in Prefect, idle",
        measures=measures,
        notes=[
            f"{HAND_OFFS} hand-offs each way, one after the other, on the embedded default. "
            "The clock starts before the answer is sent.",
            "Elsewhere: answer_item in another process, as the command line does.",
        ],
    )


def _hand_off(instance: Instance, case_no: str, give: Callable[[Instance, str], float]) -> float:
    """Return the seconds from the answer to the form that comes next."""
    # At any point of the worker's rhythm, and with the mails of the last one out of the way.
    time.sleep(1 + random.random())
    item = instance.open_item(case_no)
    begun = give(instance, case_no)
    while instance.open_item(case_no) == item or instance.run_of(case_no) is None:
        if time.monotonic() > begun + _PATIENCE_SECONDS:
            raise TimeoutError(f"no form of {case_no} after {_PATIENCE_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - begun


def _in_prefect(instance: Instance, case_no: str) -> float:
    form = instance.typical(case_no)
    stands = instance.wait_at_form(case_no)
    begun = time.monotonic()
    instance.submit(stands, form)
    return begun


def _elsewhere(instance: Instance, case_no: str) -> float:
    form = instance.typical(case_no)
    item = instance.open_item(case_no)
    assert item is not None
    assert item.id is not None
    begun = time.monotonic()
    answer_item(item.id, form, CLI, on=instance.engine)
    return begun
