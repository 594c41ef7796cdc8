"""How much memory a process has used."""

from pathlib import Path

_MEBIBYTE_IN_KIB = 1024


def peak(process: int | str = "self") -> float:
    """Return the most MiB that were resident since the process began its present program.

    `getrusage` would tell of its parent, too, whose peak Linux hands on.
    """
    for line in Path(f"/proc/{process}/status").read_text("ascii", "replace").splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) / _MEBIBYTE_IN_KIB
    raise LookupError(f"process {process} does not say its peak memory")
