"""Errors as they may be shown: in a run's event log, in the terminal, in JSON.

Only our own errors and those of configuration speak freely (their texts hold no personal data by rule). A
database driver quotes rows in its messages (`DETAIL: Key (resident_id)=(…)`), so of a foreign error only its
kind and the objects concerned are told.
"""

from __future__ import annotations

OWN_ROOMS = ("connectors", "resolution", "quality", "warehouse", "orchestration", "pictures")


def is_own(error: BaseException) -> bool:
    """Whether the hub itself raised this error, with a message meant for people."""
    return type(error).__module__.split(".")[0] in OWN_ROOMS


def safe_message(error: BaseException) -> str:
    """One line that names what happened, without any value of a row."""
    if is_own(error):
        return str(error)
    kind = type(error).__name__
    diagnostic = getattr(error, "diag", None)
    if diagnostic is not None:
        named = {
            "sqlstate": getattr(diagnostic, "sqlstate", None),
            "schema": getattr(diagnostic, "schema_name", None),
            "table": getattr(diagnostic, "table_name", None),
            "column": getattr(diagnostic, "column_name", None),
            "constraint": getattr(diagnostic, "constraint_name", None),
        }
        facts = ", ".join(f"{name} {value}" for name, value in named.items() if value)
        return f"the database refused: {kind}" + (f" ({facts})" if facts else "")
    place = _place(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{kind}: {error.strerror}{place}"
    return f"{kind}{place}; TOWNHUB_DEBUG=1 shows the whole error in the terminal"


def _place(error: BaseException) -> str:
    """The innermost frame in the hub's own code."""
    found, frame = "", error.__traceback__
    while frame is not None:
        module = str(frame.tb_frame.f_globals.get("__name__", ""))
        if module.split(".")[0] in OWN_ROOMS:
            found = f" at {module}:{frame.tb_lineno}"
        frame = frame.tb_next
    return found


def for_people(error: BaseException) -> str:
    """The message for the terminal of the person who typed the command: one paragraph, with a remedy."""
    import json

    if is_own(error) or (isinstance(error, ValueError) and not isinstance(error, json.JSONDecodeError | UnicodeError)):
        return str(error)
    diagnostic = getattr(error, "diag", None)
    if diagnostic is not None and getattr(diagnostic, "message_primary", None):
        return f"the database refused: {diagnostic.message_primary}"
    return safe_message(error)
