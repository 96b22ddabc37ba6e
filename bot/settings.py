"""Typed settings, read once from the environment and from ``.env``.

Every setting, its default and a sentence about it stand in ``.env.example``; a test keeps the two in step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.inference.catalogue import NETWORKS


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message names the setting and what it wants."""


class Settings(BaseSettings):
    """What the operator can choose. Names are the environment variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,  # `DISCORD_TOKEN=` in .env means: no token
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a mistyped token must not be echoed
    )

    # Discord
    discord_token: SecretStr | None = None

    # The local Discord, used when there is no token
    local_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    open_browser: bool = True

    # The worker
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    cpu_threads: Annotated[int, Field(ge=1, le=64)] = 1
    preload: Annotated[tuple[str, ...], NoDecode] = tuple(
        name for name, network in NETWORKS.items() if not network.weights
    )
    vision_model: str | None = None

    memory_mb: Annotated[int, Field(ge=1)] = 2000
    unload_seconds: Annotated[float, Field(ge=0)] = 0.0
    sleep_seconds: Annotated[float, Field(ge=0)] = 0.0

    # The queue
    max_waiting: Annotated[int, Field(ge=1, le=500)] = 100
    max_waiting_per_person: Annotated[int, Field(ge=1, le=10_000)] = 2
    max_waiting_per_server: Annotated[int, Field(ge=1, le=10_000)] = 6
    max_wait_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    max_run_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    max_stream_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0

    # The game of forgeries
    paintings_dir: Path | None = None
    museum: bool = False

    # Keeping and telling
    data_dir: Path = Path("data")
    keep_days: Annotated[float, Field(gt=0)] = 30.0
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8090
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @field_validator("preload", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        """Read ``PRELOAD=vision, salary``; ``none`` means that every network loads on first use."""
        if isinstance(value, str):
            names = [name for name in value.replace(",", " ").split() if name != "none"]
            unknown = sorted(set(names) - set(NETWORKS))
            if unknown:
                raise ValueError(
                    f"no network is called {', '.join(unknown)}; there are {', '.join(NETWORKS)}"
                )
            return tuple(names)
        return value

    @classmethod
    def read(cls, **overrides: object) -> Settings:
        """Read the settings; ``overrides`` win over the environment and ``.env``.

        Raises:
            SettingsError: a value cannot be used.
        """
        try:
            return cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            lines = [f"{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()]
            raise SettingsError("; ".join(lines)) from None
