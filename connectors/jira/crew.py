"""Turn a list of jobs into their results, with several requests to one Jira under way at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from connectors.jira.client import JiraClient
from connectors.naps import Nap

Job = TypeVar("Job")
Result = TypeVar("Result")

# Jobs under way at first. They become more while it is Jira that is waited for, and not we who are slow.
AT_FIRST = 4


def in_order(
    client: JiraClient, jobs: Iterable[Job], work: Callable[[JiraClient, Job], Result], most: int = 32
) -> Iterator[Result]:
    """The results of `work`, in the order of `jobs`, `parallel` of them (at most `most`) under way.

    Every thread has a client of its own; all share the budget. Jobs are taken only as results are: what is
    held in memory does not grow with their number. The first job that fails ends it, after those before it.
    """
    most = min(client.config.parallel, most)
    ahead = min(AT_FIRST, most)
    waiting: deque[Future[Result]] = deque()
    with crew(client, work, most) as submit:
        for job in jobs:
            waiting.append(submit(job))
            if len(waiting) >= ahead:
                first = waiting.popleft()
                if not first.done():
                    ahead = min(most, ahead * 2)
                yield first.result()
        while waiting:
            yield waiting.popleft().result()


def as_done(
    client: JiraClient, jobs: Iterable[Job], work: Callable[[JiraClient, Job], Result], most: int = 32
) -> Iterator[Result]:
    """The results of `work` as they come, so that a job which has to wait holds up no other.

    Otherwise like `in_order`; what is done already is given before a job that failed ends it.
    """
    most = min(client.config.parallel, most)
    ahead = min(AT_FIRST, most)
    waiting: set[Future[Result]] = set()
    with crew(client, work, most) as submit:
        for job in jobs:
            waiting.add(submit(job))
            if len(waiting) >= ahead:
                if not any(future.done() for future in waiting):
                    ahead = min(most, ahead * 2)
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from results(done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from results(done)


def results(done: Iterable[Future[Result]]) -> Iterator[Result]:
    """Give the results, and only then raise what went wrong, if anything did."""
    for future in sorted(done, key=lambda future: future.exception() is not None):
        yield future.result()


@contextmanager
def crew(
    client: JiraClient, work: Callable[[JiraClient, Job], Result], most: int
) -> Iterator[Callable[[Job], Future[Result]]]:
    """A way to have jobs done by so many threads, each with a twin of the client; none goes on afterwards."""
    stop = threading.Event()
    own = threading.local()
    twins: list[JiraClient] = []
    context = copy_context()

    def start() -> None:
        for variable, value in context.items():  # what is logged there belongs to the same run
            variable.set(value)
        own.client = client.twin(stoppable(client.policy.sleep, stop))
        twins.append(own.client)

    pool = ThreadPoolExecutor(most, thread_name_prefix="jira", initializer=start)
    try:
        yield lambda job: pool.submit(lambda: work(own.client, job))
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        for twin in twins:
            twin.close()


@contextmanager
def beside(client: JiraClient) -> Iterator[Callable[[Callable[[JiraClient], Result]], Future[Result]]]:
    """A way to have one request at a time sent by another thread while this one works on the last answer."""
    stop = threading.Event()
    twin = client.twin(stoppable(client.policy.sleep, stop))
    pool = ThreadPoolExecutor(1, thread_name_prefix="jira")
    try:
        yield lambda work: pool.submit(work, twin)
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        twin.close()


def stoppable(sleep: Callable[[float], None], stop: threading.Event) -> Callable[[float], None]:
    """A sleep from which the end of the work wakes: a pause Jira asked for may last half an hour."""
    return sleep.until(stop) if isinstance(sleep, Nap) else sleep
