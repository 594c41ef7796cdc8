"""What the processes of one instance are told from outside: its home, its ports, its password."""

import os
import platform
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.rules.errors import PilotError

Port = Annotated[int, Field(ge=1, le=65535)]

#: what each variable must be, in the words of the person who set it
_EXPECTED = {
    "home": "一个目录",
    "prefect_port": "1 到 65535 之间的端口号",
    "mailbox_port": "1 到 65535 之间的端口号",
    "smtp_catch_port": "1 到 65535 之间的端口号",
    "ui_password": "只含英文字母、数字和符号的密码",
    "worker_limit": "1 到 64 之间的整数",
    "worker_name": "不含“/”和“%”的名字",
}
#: never repeated in a message
_SECRET = {"ui_password", "prefect_database_url"}


class SettingRefusedError(PilotError):
    """An environment variable holds something that cannot be used."""

    def __init__(self, variable: str, given: object, expected: str) -> None:
        self.variable = variable
        self.given = given
        self.expected = expected
        super().__init__(f"环境变量 {variable} 的值“{given}”不可用：应为{expected}，请改正后重试。")


class Settings(BaseSettings):
    """One instance, as its environment describes it; variables begin with `PILOT_`."""

    model_config = SettingsConfigDict(env_prefix="PILOT_", frozen=True, extra="ignore")

    home: Path = Path("var")
    prefect_port: Port = 4200
    mailbox_port: Port = 8025
    smtp_catch_port: Port = 2525
    #: one password for everyone who opens the Prefect UI; without it there is no login
    ui_password: SecretStr | None = None
    #: PostgreSQL for Prefect's own server; without it the server keeps SQLite under `home`
    prefect_database_url: SecretStr | None = None
    #: flow runs executed at once by one worker
    worker_limit: Annotated[int, Field(ge=1, le=64)] = 4
    #: as the Prefect UI shows it; workers that share a home need different names
    worker_name: Annotated[str, Field(pattern=r"^[^/%]+$")] = Field(default_factory=platform.node)

    @field_validator("home", mode="after")
    @classmethod
    def _from_anywhere(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @field_validator("ui_password", "prefect_database_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, given: Any) -> Any:
        return given or None

    @field_validator("ui_password", mode="after")
    @classmethod
    def _is_comparable(cls, given: SecretStr | None) -> SecretStr | None:
        # Prefect compares passwords as ASCII; any other ends each of its answers in an error.
        if given is not None and not given.get_secret_value().isascii():
            raise ValueError("not ASCII")
        return given

    @classmethod
    def read(cls) -> Self:
        """Return the settings; `SettingRefusedError` names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            variable = f"PILOT_{name.upper()}"
            given = "（不显示）" if name in _SECRET else os.environ.get(variable, "")
            raise SettingRefusedError(variable, given, _EXPECTED.get(name, "可用的值")) from None

    @property
    def prefect_home(self) -> Path:
        """Where the Prefect server keeps its database and its profile."""
        return self.home / "prefect"

    @property
    def log_directory(self) -> Path:
        """Where each child process writes what it prints."""
        return self.home / "log"

    @property
    def prefect_ui_url(self) -> str:
        """The address a coordinator opens."""
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def prefect_api_url(self) -> str:
        """The address the worker and the commands talk to."""
        return f"{self.prefect_ui_url}/api"
