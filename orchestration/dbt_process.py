"""dbt in a process of its own, which ends with the hub, however that ends.

dbt costs a second to import and is Python from end to end: inside the hub's process it would take that time from the
streams that are pulled and the steps that are reported meanwhile, and nobody could stop it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from warehouse.answering import Answering, EndedError, FailedError, serve

if TYPE_CHECKING:
    from orchestration.dbt_runs import Outcome

_dbt = Answering("orchestration.dbt_process")


class BuildError(RuntimeError):
    """dbt could not run at all (as opposed to a model or a test that failed)."""


def make_ready() -> None:
    """Have dbt imported and the project parsed beside other work, so that a build that is to come need not wait."""
    _dbt.make_ready()


def invoke(arguments: Sequence[str]) -> list[Outcome]:
    """The outcome of each node that these arguments of dbt's command build.

    One invocation at a time; may be called from any thread. Raises BuildError when dbt did not run, also because it
    was stopped.
    """
    try:
        outcomes: list[Outcome] = _dbt.ask(list(arguments))
    except EndedError as ended:
        raise BuildError(f"the process that has dbt has ended ({ended}); run it again") from None
    except FailedError as failed:
        raise BuildError(str(failed)) from None
    return outcomes


def stop() -> None:
    """End the process, whatever it is at: PostgreSQL takes back what was not committed as soon as it notices."""
    _dbt.stop()


def _answer_questions(ends: Sequence[str]) -> None:
    from orchestration import dbt_invocation, dbt_parsing, environment
    from orchestration.failures import safe_message

    environment.collect_seldom()
    with suppress(Exception):  # told by the first question, which tries it again
        dbt_parsing.parsed()
    serve(ends, dbt_invocation.invoke, failed=safe_message)


if __name__ == "__main__":
    _answer_questions(sys.argv[1:])
