"""Turn an export of an API into a file on disk: started where it is a job, watched, and fetched in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from connectors.archives import MAX_UNPACKED
from connectors.errors import IncompleteRead
from connectors.finance.rest_client import Ask, RestClient
from connectors.finance.rest_config import Chunks, Job
from connectors.finance.rest_session import find
from connectors.http import RetryPolicy

_BLOCK = 1 << 20


def fetch_file(client: RestClient, path: Path, policy: RetryPolicy) -> None:
    """Write the whole result to `path`; `IncompleteRead` where not all of it came."""
    config = client.config
    values = {} if config.job is None else {"job": _run(client, config.job, policy)}
    asks = [client.ask(config.request, values)]
    if config.job is not None and config.job.chunks is not None:
        asks = list(_parts(client, config.job.chunks, values))
    size = 0
    with path.open("wb") as target:
        for ask in asks:
            for block in _download(client, replace(ask, accept="*/*")):
                size += len(block)
                if size > MAX_UNPACKED:
                    raise IncompleteRead(f"{config.name}: its answer is larger than {MAX_UNPACKED:,} bytes.")
                target.write(block)


def _run(client: RestClient, job: Job, policy: RetryPolicy) -> str:
    """Start the job and wait until it is done; give its id."""
    name, poll = client.config.name, job.poll
    # Starting it twice makes a second export and harms nothing.
    started, _ = client.fetch(Ask(client.address(job.path, {}), job.method, body=job.body))
    found = find(started, job.id)
    if not isinstance(found, str | int) or not str(found):
        raise IncompleteRead(f"{name}: starting the job gave no id at {' > '.join(job.id)}.")
    watched = Ask(client.address(poll.path, {"job": str(found)}))
    for _ in range(poll.longest_minutes * 60 // poll.every_seconds + 1):
        answer, _ = client.fetch(watched)
        state = str(find(answer, poll.state))
        if state in poll.done:
            _refuse_failure(client, job, answer)
            return str(found)
        if state in poll.failed:
            raise IncompleteRead(
                f"{name}: the job ended as {client.session.clean(state)!r}. Look at it there."
            )
        policy.sleep(poll.every_seconds)
    raise IncompleteRead(
        f"{name}: the job was not done after {poll.longest_minutes} minutes. "
        "Raise `poll.longest_minutes` if it takes longer."
    )


def _refuse_failure(client: RestClient, job: Job, answer: Any) -> None:
    way = job.poll.success
    if way is not None and find(answer, way) is not True:
        raise IncompleteRead(
            f"{client.config.name}: the job is done and failed ({' > '.join(way)}). Look at it there."
        )


def _parts(client: RestClient, chunks: Chunks, values: dict[str, str]) -> Iterator[Ask]:
    listed, _ = client.fetch(Ask(client.address(chunks.path, values)))
    found = find(listed, chunks.records)
    ids = [find(part, (chunks.id,)) for part in found] if isinstance(found, list) else []
    if not ids or not all(isinstance(part, str | int) for part in ids):
        raise IncompleteRead(
            f"{client.config.name}: the result lists no parts at {' > '.join(chunks.records)}."
        )
    for part in ids:
        yield Ask(client.address(chunks.chunk_path, {**values, "chunk": str(part)}))


def _download(client: RestClient, ask: Ask) -> Iterator[bytes]:
    """The content, block by block. A connection that breaks off in the middle makes the read incomplete."""
    response = client.send(ask, stream=True)
    try:
        yield from response.iter_content(_BLOCK)
    except requests.RequestException:
        raise IncompleteRead(f"{client.config.name}: the download broke off. Read it anew.") from None
    finally:
        response.close()
