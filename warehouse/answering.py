"""Python processes of ours that answer questions, for libraries that take seconds to import or cannot be stopped.

Who asks starts them with the first question (one imports what it needs, the others are its forks). Each answers one
question at a time, and all end with who asks, however that ends: they listen for the next question also while they
answer one, and at its end nobody asks any more.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, Final

from warehouse.settings import REPOSITORY

_PREFIX: Final = "TOWNHUB_"
_NO_FAREWELL: Final = "ignore:resource_tracker"
"""Python tells of locks that a process has left behind that was ended: they are removed all the same."""
_END_SECONDS: Final = 1.0


class EndedError(RuntimeError):
    """The process ended before it answered; the text says how, or nothing."""


class _EndedElsewhere(EndedError):
    """What ended it was none of this question's doing."""


class FailedError(RuntimeError):
    """It could not answer; the text is what `serve`'s `failed` made of the error."""


class Answering:
    """The processes of one module, whose `__main__` calls `serve`; may be asked from any thread."""

    def __init__(self, module: str, seats: int = 1) -> None:
        """`seats`: so many answer at once."""
        self._module = module
        self._seats = seats
        self._guard = threading.Lock()
        self._current: _Processes | None = None

    def make_ready(self) -> None:
        """Start them beside other work; what fails here is told by the first question."""
        with suppress(OSError):
            self._processes()

    def ask(self, question: Any) -> Any:
        """The answer. Raises FailedError when there is none, EndedError when the process ended first."""
        try:
            return self._processes().ask(question)
        except _EndedElsewhere:
            return self._processes().ask(question)

    def stop(self) -> None:
        """End them, whatever they are at: who waits is told so, and the next question starts others."""
        with self._guard:
            processes, self._current = self._current, None
        if processes is not None:
            processes.stopped = True
            processes.kill()

    @property
    def pid(self) -> int | None:
        """Of the first of them, while there are any."""
        return None if self._current is None else self._current.pid

    def _processes(self) -> _Processes:
        with self._guard:
            if self._current is not None and not self._current.alive:
                self._current.kill()
                self._current = None
            if self._current is None:
                self._current = _Processes(self._module, self._seats)
            return self._current


class _Processes:
    """One that was started and its forks, as seen from here."""

    def __init__(self, module: str, seats: int) -> None:
        self.owner = os.getpid()
        self.stopped = False
        """Somebody wants no more answers."""
        self._killed = False
        self._seats: SimpleQueue[tuple[BinaryIO, BinaryIO]] = SimpleQueue()
        """Where questions are put and answers come from, of those that nobody speaks to."""
        theirs = []
        for _ in range(seats):
            asked, ours = os.pipe()
            answers, told = os.pipe()
            theirs += [asked, told]
            self._seats.put((os.fdopen(ours, "wb"), os.fdopen(answers, "rb")))
        try:
            # A session of its own: who presses Ctrl-C means the hub, and the hub ends these.
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, theirs)], cwd=REPOSITORY, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=2, pass_fds=theirs,
                env={**os.environ, "PYTHONWARNINGS": _NO_FAREWELL},
            )  # fmt: skip
        finally:
            for end in theirs:
                os.close(end)
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """All of them, also when the first has died. A child of a fork leaves its parent's processes alone."""
        if self.owner == os.getpid() and not self._killed:
            self._killed = True
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            atexit.unregister(self.kill)

    def ask(self, question: Any) -> Any:
        questions, answers = seat = self._seats.get()
        try:
            pickle.dump((_surroundings(), question), questions)
            questions.flush()
            failed, answer = pickle.load(answers)
        except BaseException as error:
            kind = _EndedElsewhere if self._killed and not self.stopped else EndedError
            how = self._how()
            # An answer that nobody read would be taken for that to the next question.
            self.kill()
            if isinstance(error, (OSError, EOFError, pickle.UnpicklingError)):
                raise kind(how) from None
            raise
        finally:
            self._seats.put(seat)
        if failed:
            raise FailedError(answer)
        return answer

    def _how(self) -> str:
        if self._killed:
            return "it was stopped"
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_END_SECONDS)
            return f"code {code}" + (", out of memory?" if code == -signal.SIGKILL else "")
        return "a fork of it"


def _surroundings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}


def serve(
    ends: Sequence[str],
    answer: Callable[[Any], Any],
    *,
    failed: Callable[[Exception], str],
    rest: Callable[[], None] = lambda: None,
    idle_seconds: float | None = None,
) -> None:
    """Answer in this process, and in a fork of it for each further pair of pipes in `ends`, until nobody asks.

    `failed` makes a text without rows of what a question raised. `rest` is called whenever nobody has asked for
    `idle_seconds`.
    """
    numbers = [int(end) for end in ends]
    mine, *others = zip(numbers[::2], numbers[1::2], strict=True)
    for pair in others:
        if os.fork() == 0:
            mine = pair
            break
    for end in set(numbers) - set(mine):
        os.close(end)  # or nobody would notice that the one at its other end has died
    asked: SimpleQueue[tuple[Mapping[str, str], Any]] = SimpleQueue()
    threading.Thread(target=_hear, args=(os.fdopen(mine[0], "rb"), asked), daemon=True).start()
    answers = os.fdopen(mine[1], "wb")
    try:
        while True:
            try:
                surroundings, question = asked.get(timeout=idle_seconds)
            except Empty:
                with suppress(Exception):
                    rest()
                continue
            _surround(surroundings)
            try:
                told = False, answer(question)
            except Exception as error:
                told = True, failed(error)
            pickle.dump(told, answers)
            answers.flush()
    finally:
        os._exit(1)  # nobody hears it, or it cannot say what it has: its words may quote rows


def _hear(questions: BinaryIO, asked: SimpleQueue[tuple[Mapping[str, str], Any]]) -> None:
    """Take questions while others are answered, for so one learns at once that who asks has ended."""
    try:
        while True:
            asked.put(pickle.load(questions))
    finally:
        os._exit(0)


def _surround(surroundings: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(_PREFIX) and name not in surroundings]:
        del os.environ[name]
    os.environ |= surroundings
