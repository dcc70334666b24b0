"""Have charts drawn by a process of its own: the heap of the renderer, which only grows, ends with it."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer
from typing import IO, Any, cast

from sync.errors import UserError

PROCESS = Path(__file__).with_name("renderer_process.py")
# Without its own folder on the path: there it would find modules of ours by names that others may use.
COMMAND = (sys.executable, "-P", str(PROCESS))
# A chart takes a hundredth of it on a busy machine.
SECONDS = 60.0


class ChartFailed(UserError):
    """A chart could not be drawn."""


class Gone(Exception):
    """The process ended instead of answering."""


@dataclass(slots=True)
class Renderer:
    """Draws one chart at a time; whoever asks next begins the process anew where it has ended.

    In a session of its own: an interrupt from the terminal is for us, and it ends as its input does.
    """

    command: Sequence[str] = COMMAND
    seconds: float = SECONDS
    process: subprocess.Popen[str] | None = None
    lock: Lock = field(default_factory=Lock)

    def draw(self, specification: dict[str, Any]) -> str:
        """Give the SVG of a Vega-Lite specification, or raise `ChartFailed`."""
        line = json.dumps(specification) + "\n"
        with self.lock:
            try:
                told = self._ask(line)
            except Gone:  # it may have been about to end for want of work
                told = self._ask_again(line)
        if "error" in told:
            raise ChartFailed(f"A chart could not be drawn: the renderer says {told['error']}")
        return told["svg"]

    def _ask_again(self, line: str) -> dict[str, str]:
        try:
            return self._ask(line)
        except Gone as error:
            raise ChartFailed(
                f"A chart could not be drawn: the process that draws {error}. If it was killed for want of "
                "memory, allow the service more; what it said itself stands on standard error."
            ) from None

    def _ask(self, line: str) -> dict[str, str]:
        process = self._started()
        limit = Timer(self.seconds, process.kill)
        limit.daemon = True
        limit.start()
        try:
            cast("IO[str]", process.stdin).write(line)
            cast("IO[str]", process.stdin).flush()
            answer = cast("IO[str]", process.stdout).readline()
        except BrokenPipeError:
            answer = ""
        finally:
            limit.cancel()
        if not answer.endswith("\n"):
            self.end()
            raise Gone(f"ended with {process.returncode} instead of answering")
        told: dict[str, str] = json.loads(answer)
        return told

    def _started(self) -> subprocess.Popen[str]:
        if self.process is not None and self.process.poll() is None:
            return self.process
        self.end()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="ascii",
                start_new_session=True,
            )
        except OSError as error:
            raise ChartFailed(
                f"A chart could not be drawn: {self.command[0]} cannot be started: {error.strerror or error}."
            ) from None
        return self.process

    def end(self) -> None:
        """End the process, if there is one."""
        if self.process is None:
            return
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                close(pipe)
        self.process.wait()
        self.process = None


def close(pipe: IO[str]) -> None:
    """Close a pipe whose other end may be gone; what was still to go through it is lost with that process."""
    with suppress(BrokenPipeError):
        pipe.close()


# Charts are drawn one after another: a process has one renderer, and takes it along when it ends.
RENDERER = Renderer()
atexit.register(RENDERER.end)
