"""Turn a temporary virtual environment with other tools into their times for reading the same Jira.

tap-jira writes Singer records of all issues; dlt's rest_api source loads them into DuckDB. Both ask for every
field, as they do by default. Each is a whole process, so its start counts too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sync.sandbox.credentials import Credentials

PROOF = Credentials()
WHAT = {"tap-jira": "tap-jira==2.6.0", "dlt": "dlt[duckdb]==1.31.0"}
NAMES = {"tap-jira": "tap-jira 2.6.0 (its process)", "dlt": "dlt 1.31.0 rest_api into DuckDB (its process)"}

DLT_PIPELINE = """
import sys
import dlt
from dlt.sources.rest_api import rest_api_source
url, folder, email, token = sys.argv[1:]
source = rest_api_source({
    "client": {
        "base_url": url,
        "auth": {"type": "http_basic", "username": email, "password": token},
        "paginator": {"type": "cursor", "cursor_path": "nextPageToken", "cursor_param": "nextPageToken"},
    },
    "resources": [{
        "name": "issues",
        "primary_key": "id",
        "max_table_nesting": 1,
        "endpoint": {
            "path": "rest/api/3/search/jql",
            "params": {"jql": "issuetype = Epic", "fields": "*all", "maxResults": 100},
            "data_selector": "issues",
        },
    }],
})
pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(folder + "/bench.duckdb"),
                        pipelines_dir=folder, dataset_name="jira")
pipeline.run(source)
with pipeline.sql_client() as client:
    print(client.execute_sql("select count(*) from issues")[0][0])
"""


def install(folder: Path) -> dict[str, Path]:
    """A Python for each tool that the package registry gave or the folder holds already, by its name."""
    found: dict[str, Path] = {}
    for name, requirement in WHAT.items():
        python = folder / name / "bin" / "python"
        if python.exists():
            found[name] = python
            continue
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", requirement]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name} is not measured: pip could not install {requirement}.")
        else:
            found[name] = python
    return found


def make_certificate(folder: Path) -> Path:
    """A certificate of our own with its key, in one file: tap-jira speaks https only."""
    pem = folder / "stand-in.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run(
        [*command, "-keyout", str(pem), "-out", str(pem) + ".crt"], check=True, capture_output=True
    )
    pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    return pem


def trust(python: Path, pem: Path) -> None:
    """Have the tool accept our certificate: it takes no setting for that, only the bundle it came with."""
    where = [str(python), "-c", "import certifi; print(certifi.where())"]
    bundle = Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip())
    bundle.write_text(bundle.read_text() + Path(f"{pem}.crt").read_text())


def run_tap_jira(python: Path, url: str, folder: Path) -> dict[str, Any]:
    config, catalog = folder / "config.json", folder / "catalog.json"
    known = {"username": PROOF.email, "password": PROOF.token, "base_url": url, "user_agent": "benchmark"}
    config.write_text(json.dumps(known | {"start_date": "2010-01-01T00:00:00Z"}))
    tap = str(python.with_name("tap-jira"))
    found = subprocess.run([tap, "-c", str(config), "--discover"], capture_output=True, check=True).stdout
    streams = json.loads(found)
    for stream in streams["streams"]:
        chosen = stream["tap_stream_id"] == "issues"
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = chosen
    catalog.write_text(json.dumps(streams))
    output = folder / "records.jsonl"
    measured = timed([tap, "-c", str(config), "--properties", str(catalog)], output)
    with output.open() as lines:
        return measured | {"issues": sum('"type": "RECORD"' in line for line in lines)}


def run_dlt(python: Path, url: str, folder: Path) -> dict[str, Any]:
    script, output = folder / "pipeline.py", folder / "count.txt"
    script.write_text(DLT_PIPELINE)
    measured = timed([str(python), str(script), url, str(folder), PROOF.email, PROOF.token], output)
    return measured | {"issues": int(output.read_text().split()[-1])}


RUN: dict[str, Callable[[Path, str, Path], dict[str, Any]]] = {"tap-jira": run_tap_jira, "dlt": run_dlt}


def timed(command: list[str], output: Path) -> dict[str, Any]:
    """Run to the end; gives wall and CPU seconds and the peak memory of the process."""
    errors = output.with_suffix(".err")
    quiet = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    began = time.perf_counter()
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=quiet)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed:\n{errors.read_text()[-2000:]}")
    cpu = used.ru_utime + used.ru_stime
    return {"wall": time.perf_counter() - began, "cpu": cpu, "peak": used.ru_maxrss / 1024}
