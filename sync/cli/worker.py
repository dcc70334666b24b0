"""The command that reads sources for nights of other machines: worker."""

from __future__ import annotations

import os
import socket
from threading import Thread
from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.serve import GRACE_SECONDS, leave_at_once, stop_on_signal
from sync.cli.session import open_session
from sync.errors import ConfigurationError, Exit
from sync.work.worker import Worker


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker(
    *,
    once: Annotated[bool, typer.Option("--once", help="End as soon as there is nothing to read.")] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Read sources for the nights of other machines.

    On as many machines as wanted, with the settings of the machine that runs the nights. It asks the queue in
    the store (TIELINE_QUEUE) for sources to read while a night is at work, and waits while none is.
    """
    output = Output(as_json=json)
    with open_session(env_file, served=True) as session:
        if not session.service.bench.queue.shared:
            raise ConfigurationError(
                "TIELINE_QUEUE: nights are not shared out, so there is nothing for a worker to read. "
                "Set it to postgresql here and where the nights run."
            )
        name = f"{socket.gethostname()}:{os.getpid()}"
        made = Worker(session.service, name, output.line, session.sites.close)
        output.line(f"{name} waits for sources to read. Stop with Ctrl-C.")
        attend(made, output, once=once)
        output.line("Stopped.")
        output.document({"worker": name, "read": dict(made.read)})
    return Exit.FAILED if once and made.complaint else Exit.OK


def attend(made: Worker, output: Output, *, once: bool) -> None:
    """Let it work in a thread of its own, so that it can be left where it does not end in time."""
    thread = Thread(target=made.work, kwargs={"once": once}, name="worker", daemon=True)
    with stop_on_signal(made.ending):
        thread.start()
        while thread.is_alive() and not made.ending.wait(0.2):
            pass
        if made.ending.is_set():
            made.stop()
            thread.join(GRACE_SECONDS)
            if thread.is_alive():
                made.give_back()
                leave_at_once(output)
