"""`python -m tests.deployments.toy_supervisor HOME PORT SCRIPT...`: a child for each script."""

import sys
from pathlib import Path

from deployments import supervisor
from models.rules.errors import PilotError

if __name__ == "__main__":
    home, port, *scripts = sys.argv[1:]
    supervisor.STOP_SECONDS = 1.0
    children = [
        supervisor.Child(
            name=f"child{number}",
            argv=[sys.executable, "-S", "-E", "-c", script],
            env={"CHILD": str(number), "HOME_OF_ALL": home},
            ready=(Path(home) / f"ready{number}").exists,
        )
        for number, script in enumerate(scripts, start=1)
    ]
    try:
        sys.exit(
            supervisor.supervise(
                children,
                home=Path(home),
                ports={"PILOT_PREFECT_PORT": int(port)},
                announce=lambda: print("都已就绪", flush=True),
            )
        )
    except PilotError as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
