"""Measurements by command (`python -m benchmarks [part …]`); never a timed test."""

#: Each is a module `benchmarks.<part>` with `run() -> Result`, in the order in which they run.
PARTS = (
    "answer",
    "start_up",
    "hand_off",
    "burst",
    "mail",
    "importing",
    "sweep",
    "report",
    "replay",
)
