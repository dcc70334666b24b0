"""Tieline's night as an Airflow DAG: one task, skipped where another run is at work."""

from datetime import timedelta

import pendulum
from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    dag_id="tieline",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,  # a night looks at what is: one run makes up for all that were missed
    max_active_runs=1,
):
    BashOperator(
        task_id="night",
        bash_command="tieline run --json",
        cwd="/var/lib/tieline",
        skip_on_exit_code=7,
        retries=1,  # what was read is kept: a second try goes on from there
        retry_delay=timedelta(minutes=20),
        execution_timeout=timedelta(hours=6),
    )
