"""dbt in a process of its own, which ends with the hub, however that ends.

dbt costs a second to import and is Python from end to end: inside the hub's process it would take that time from the
streams that are pulled and the steps that are reported meanwhile, and nobody could stop it.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    from orchestration.dbt_runs import Outcome

_PREFIX = "TOWNHUB_"
_NO_FAREWELL = "ignore:resource_tracker"
"""Python tells of locks that a process has left behind that was ended: they are removed all the same."""


class BuildError(RuntimeError):
    """dbt could not run at all (as opposed to a model or a test that failed)."""


def make_ready() -> None:
    """Have dbt imported and the project parsed beside other work, so that a build that is to come need not wait.

    Whatever fails here is told by the build, which tries it again.
    """
    with suppress(OSError):
        _process()


def invoke(arguments: Sequence[str], by_changes: Sequence[str]) -> list[Outcome]:
    """The outcome of each node that these arguments of dbt's command build; `by_changes`: chains made by changes.

    One invocation at a time; may be called from any thread. Raises BuildError when dbt did not run, also because it
    was stopped.
    """
    return _process().ask(list(arguments), list(by_changes))


def stop() -> None:
    """End the process, whatever it is at: PostgreSQL takes back what it has not committed."""
    global _current
    with _guard:
        process, _current = _current, None
    if process is not None:
        process.kill()


class _Process:
    """The process that has dbt, as seen from here."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._asking = threading.Lock()
        # A session of its own: who presses Ctrl-C means the hub, and the hub ends this one.
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=REPOSITORY, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONWARNINGS": _NO_FAREWELL},
        )  # fmt: skip
        atexit.register(self.kill)

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def kill(self) -> None:
        """A child of a fork leaves its parent's process alone."""
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()
            atexit.unregister(self.kill)

    def ask(self, *question: Any) -> list[Outcome]:
        surroundings = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        with self._asking:
            try:
                pickle.dump((surroundings, *question), questions)
                questions.flush()
                answer = pickle.load(answers)
            except BaseException as error:
                # An answer that nobody read would be taken for that to the next question.
                self.kill()
                if isinstance(error, (OSError, EOFError, pickle.UnpicklingError)):
                    raise BuildError("the process that has dbt has ended; run it again") from None
                raise
        if isinstance(answer, str):
            raise BuildError(answer)
        outcomes: list[Outcome] = answer
        return outcomes


_guard = threading.Lock()
_current: _Process | None = None


def _process() -> _Process:
    global _current
    with _guard:
        if _current is None or not _current.alive:
            _current = _Process()
        return _current


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the hub has ended: with outcomes, or with what kept dbt from running."""
    asked: SimpleQueue[tuple[dict[str, str], list[str], list[str]]] = SimpleQueue()
    threading.Thread(target=_hear, args=(questions, asked), daemon=True).start()
    from orchestration import dbt_invocation, dbt_parsing, environment

    environment.collect_seldom()
    with suppress(Exception):
        dbt_parsing.parsed()
    while True:
        surroundings, arguments, by_changes = asked.get()
        for name in [name for name in os.environ if name.startswith(_PREFIX)]:
            del os.environ[name]
        os.environ |= surroundings
        answer: list[Outcome] | str
        try:
            answer = dbt_invocation.invoke(arguments, by_changes)
        except BuildError as error:
            answer = str(error)
        except Exception as error:  # whose own message may quote rows
            answer = f"dbt did not run: {type(error).__name__}"
        pickle.dump(answer, answers)
        answers.flush()


def _hear(questions: BinaryIO, asked: SimpleQueue[Any]) -> None:
    """Take questions while others are answered, for so one learns at once that the hub has ended."""
    with suppress(EOFError):
        while True:
            asked.put(pickle.load(questions))
    os._exit(0)


if __name__ == "__main__":
    _answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what dbt prints is no answer
    from orchestration import dbt_process as _itself  # the module whose errors others raise, and not __main__

    _itself._serve(sys.stdin.buffer, _answers)
