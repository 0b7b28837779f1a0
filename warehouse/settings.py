"""Where this hub lives and which database it speaks to, read from the environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

TIME_ZONE = "Asia/Shanghai"
REPOSITORY = Path(__file__).resolve().parent.parent


class ConfigurationError(RuntimeError):
    """The environment holds a value that cannot be used; the message names the variable and the remedy."""


def positive(name: str, default: int) -> int:
    """A positive whole number from the environment. Raises ConfigurationError for anything else."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigurationError(f"{name}={text!r} is no positive whole number; correct it or unset it")
    return int(text)


def process_alive(pid: int) -> bool:
    """True if a process of this id runs here (of any user)."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True)
class Settings:
    """The hub's configuration. Build it with `settings()`.

    home          folder of everything this hub writes (one per clone by default)
    database_url  an external PostgreSQL >= 15, or None for the embedded server
    pg_bin        folder of PostgreSQL binaries for the embedded server, or None to look for them
    """

    home: Path
    database_url: str | None
    pg_bin: Path | None

    @property
    def embedded(self) -> bool:
        return self.database_url is None

    def as_of(self) -> date:
        """The day that results are computed for.

        TOWNHUB_AS_OF, else the simulated town's day while its server runs, else today in Shanghai.
        """
        text = os.environ.get("TOWNHUB_AS_OF", "").strip()
        if text:
            return _date(text, "TOWNHUB_AS_OF")
        simulated = self._simulated_today()
        return simulated or datetime.now(ZoneInfo(TIME_ZONE)).date()

    def _simulated_today(self) -> date | None:
        try:
            status = json.loads((self.home / "simulator" / "status.json").read_text(encoding="utf-8"))
            pid, today = int(status["pid"]), str(status["today"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # no simulator, or its file is being replaced
        return _date(today, "simulator/status.json") if process_alive(pid) else None


def _date(text: str, origin: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ConfigurationError(f"{origin}: {text!r} is not a date; write it as YYYY-MM-DD") from None


def settings() -> Settings:
    """Read TOWNHUB_HOME, TOWNHUB_DATABASE_URL and TOWNHUB_PG_BIN now (tests change them)."""
    url = os.environ.get("TOWNHUB_DATABASE_URL", "").strip() or None
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(
            "TOWNHUB_DATABASE_URL must look like postgresql://user@host:5432/database "
            "(leave it unset to use the embedded server)"
        )
    home = os.environ.get("TOWNHUB_HOME", "").strip()
    pg_bin = os.environ.get("TOWNHUB_PG_BIN", "").strip()
    return Settings(
        home=Path(home).expanduser().resolve() if home else REPOSITORY / ".townhub",
        database_url=url,
        pg_bin=Path(pg_bin).expanduser().resolve() if pg_bin else None,
    )
