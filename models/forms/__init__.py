"""One pydantic model per step: the same form for Prefect, the command line and what comes later."""
