"""The environment variables under which the Prefect server, the worker and our clients run."""

import os
import sys

from deployments.settings import Settings

#: what these write, within a flow run, stands in the run's log in the Prefect UI
OWN_LOGGERS = ("flows", "tasks")


def prefect_environment(settings: Settings) -> dict[str, str]:
    """Return the `PREFECT_*` variables of this instance, to be laid over `os.environ`."""
    home = settings.prefect_home
    environment = {
        "PREFECT_HOME": str(home),
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": settings.prefect_api_url,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(settings.prefect_port),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # SQLite has one writer: a request waits its turn rather than fail.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500,503",
        # Two, four seconds: the pauses double, and a run that fails is begun again anyway.
        "PREFECT_CLIENT_MAX_RETRIES": "2",
        # Server and clients are of one installation: nothing to negotiate at every run.
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        # Automations are not used (#18838); evaluating them costs a sixth of the server's time.
        "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
        # For the standard worker; ours is told in code.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        # What a run says in the UI comes from our own loggers; the engine's four lines an
        # execution would be most of the log.
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_EXTRA_LOGGERS": ",".join(OWN_LOGGERS),
        # The same code runs outside of runs, too.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    if settings.ui_password is not None:
        credentials = f"pilot:{settings.ui_password.get_secret_value()}"
        environment["PREFECT_SERVER_API_AUTH_STRING"] = credentials
        environment["PREFECT_API_AUTH_STRING"] = credentials
    if settings.prefect_database_url is not None:
        environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = (
            settings.prefect_database_url.get_secret_value()
        )
    return environment


def enter_prefect_environment(settings: Settings) -> None:
    """Lay the instance's `PREFECT_*` variables over this process's own, and make its home.

    Prefect reads them once, when it is first imported: calling this later is an error.
    """
    environment = prefect_environment(settings)
    if "prefect" in sys.modules and any(
        os.environ.get(name) != value for name, value in environment.items()
    ):
        raise RuntimeError("prefect was imported before enter_prefect_environment was called")
    os.environ.update(environment)
    settings.prefect_home.mkdir(parents=True, exist_ok=True)
