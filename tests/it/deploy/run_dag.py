"""Runs a DAG of mapped tasks without Airflow: each task is called where it is mapped. Prints what became of each.

    run_dag.py DAG_FILE PROGRAM CONFIG DIRECTORY
"""

import importlib.util
import json
import sys
import types
from pathlib import Path


class AirflowException(Exception):
    pass


class AirflowFailException(AirflowException):
    pass


class BaseOperator:
    def __init__(self, task_id, **_):
        self.task_id = task_id

    @classmethod
    def partial(cls, **options):
        return Mapped(cls, options)


class Mapped:
    def __init__(self, operator, options):
        self.operator, self.options = operator, options

    def expand(self, mapping):
        for name in mapping:
            try:
                outcomes[name] = self.operator(mapping=name, **self.options).execute({})
            except AirflowException as error:
                outcomes[name] = f"{type(error).__name__}: {error}"


def dag(**_):
    return lambda function: lambda: dags.append(function)


outcomes, dags = {}, []
exceptions = types.ModuleType("airflow.sdk.exceptions")
exceptions.AirflowException, exceptions.AirflowFailException = AirflowException, AirflowFailException
sdk = types.ModuleType("airflow.sdk")
sdk.BaseOperator, sdk.dag, sdk.task, sdk.exceptions = BaseOperator, dag, lambda function: function, exceptions
airflow = types.ModuleType("airflow")
airflow.sdk = sdk
sys.modules.update({"airflow": airflow, "airflow.sdk": sdk, "airflow.sdk.exceptions": exceptions})

spec = importlib.util.spec_from_file_location("bqsync_dag", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.PROGRAM, module.CONFIG, module.DIRECTORY = map(Path, sys.argv[2:])
for build in dags:
    build()
print(json.dumps(outcomes))
