"""Start the ranks, on this machine or on Spark's executors, and say what went wrong when one fails."""

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark import SparkContext

from pricelake.errors import TrainingError
from pricelake.training.plan import RankReport, TrainingPlan
from pricelake.training.rank import train_rank

CONSEQUENCE = re.compile("Horovod has been shut down|HorovodInternalError|gloo|Connection (closed|reset)|Broken pipe")
"""What the surviving ranks raise when another one is gone, inside a graph and outside."""


def run_ranks(plan: TrainingPlan) -> list[RankReport]:
    """Run the train function in all ranks of ``plan`` and wait for them.

    Args:
        plan: what to train; ``plan.settings.launcher`` says where.

    Returns:
        one report per rank, in order.

    Raises:
        TrainingError: this is not the main thread, there are too few slots, or a rank failed.
    """
    if threading.current_thread() is not threading.main_thread():
        raise TrainingError(
            "Training was started outside the main thread, where Horovod cannot install its signal handlers. "
            "Run it as a job of its own, not from a thread pool, foreachBatch or a web handler."
        )
    _clear(plan)
    start = _on_spark if plan.settings.launcher == "spark" else _on_this_machine
    try:
        with _signal_handlers_kept():
            return start(plan)
    except TrainingError:
        raise
    except Exception as error:
        raise TrainingError(explain_failure(plan, str(error))) from error


def _on_this_machine(plan: TrainingPlan) -> list[RankReport]:
    import horovod

    with _environment(_variables(plan)):
        reports: list[RankReport] = horovod.run(
            train_rank,
            args=(plan,),
            num_proc=plan.settings.ranks,
            use_gloo=True,
            start_timeout=plan.settings.start_timeout_seconds,
            disable_cache=True,
        )
    return reports


def _on_spark(plan: TrainingPlan) -> list[RankReport]:
    import horovod.spark

    context = SparkContext._active_spark_context
    if context is None:
        raise TrainingError("training.launcher is 'spark', but no Spark session is running. Start one or use 'local'.")
    _require_slots(context, plan.settings.ranks)
    with (plan.logs / "launch.log").open("w", encoding="utf-8") as log, _environment(_variables(plan)):
        reports: list[RankReport] = horovod.spark.run(
            train_rank,
            args=(plan,),
            num_proc=plan.settings.ranks,
            use_gloo=True,
            start_timeout=plan.settings.start_timeout_seconds,
            env=_variables(plan),
            stdout=log,
            stderr=log,
            verbose=0,
            executable=os.environ.get("PYSPARK_PYTHON", sys.executable),
        )
    return reports


def _require_slots(context: Any, ranks: int) -> None:
    """Horovod would wait for the whole start timeout for a slot that does not come free."""
    scala = context._jsc.sc()
    slots = int(scala.maxNumConcurrentTasks(scala.resourceProfileManager().defaultResourceProfile()))
    tracker = context.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    busy = sum(stage.numActiveTasks for stage in stages if stage is not None)
    if slots - busy < ranks:
        raise TrainingError(
            f"{ranks} ranks need {ranks} free task slots, Spark has {slots} of which {busy} are busy. "
            f"Lower training.ranks, give the application more executors or cores, or wait for its other jobs."
        )


def _variables(plan: TrainingPlan) -> dict[str, str]:
    stall = plan.settings.stall_timeout_seconds
    return {
        "OMP_NUM_THREADS": str(plan.threads),
        "TF_NUM_INTRAOP_THREADS": str(plan.threads),
        "TF_NUM_INTEROP_THREADS": str(plan.threads),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "PYTHONWARNINGS": "ignore",
        "HOROVOD_STALL_CHECK_TIME_SECONDS": str(max(1, stall // 4)),
        "HOROVOD_STALL_SHUTDOWN_TIME_SECONDS": str(stall),
        "HOROVOD_GLOO_TIMEOUT_SECONDS": str(max(30, plan.settings.start_timeout_seconds)),
    }


def _clear(plan: TrainingPlan) -> None:
    plan.logs.mkdir(parents=True, exist_ok=True)
    for path in (*plan.logs.glob("rank-*"), *plan.logs.glob("launch.log")):
        path.unlink()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """``horovod.run`` hands this process's environment to the ranks; it is put back afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Horovod replaces the handlers of SIGINT and SIGTERM and leaves its own behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def explain_failure(plan: TrainingPlan, launcher_message: str) -> str:
    """Which rank failed and why, from the states the ranks left and the launcher's message.

    Args:
        plan: the training.
        launcher_message: text of Horovod's exception; on Spark it may name the wrong rank, so it comes last.

    Returns:
        a message that names rank, cause and log file.
    """
    states = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(plan.logs.glob("rank-*.json"))]
    own = [
        state
        for state in states
        if state["state"] == "failed" and not CONSEQUENCE.search(f"{state['kind']} {state['message']}")
    ]
    if own:
        rank, cause = own[0]["rank"], f"failed: {_first_lines(own[0])}"
    else:
        rank, cause = _silent_rank(plan, states, launcher_message)
    if rank is None:
        return f"The ranks did not start: {' '.join(launcher_message.split())} Logs: {plan.logs}."
    return (
        f"Rank {rank} of {plan.settings.ranks} {cause} Its log: {plan.logs / f'rank-{rank}.log'}. "
        f"Finished epochs are kept; run the same training again to go on from the last one."
    )


def _first_lines(state: dict[str, Any]) -> str:
    """The message of a rank's error without TensorFlow's listing of the graph."""
    lines = [line for line in str(state["message"]).splitlines() if line.strip()]
    text = " ".join(lines[:3])
    return text if state["kind"] == TrainingError.__name__ else f"{state['kind']}: {text}"


def _silent_rank(plan: TrainingPlan, states: list[dict[str, Any]], launcher_message: str) -> tuple[int | None, str]:
    """The rank that went without a word: killed, or out of memory."""
    code = re.search(r"Exit code: (\d+)", launcher_message)
    named = re.search(r"Process name: (\d+)", launcher_message)
    started = [int(state["rank"]) for state in states if state["state"] == "started"]
    if plan.settings.launcher == "local" and named is not None:
        rank: int | None = int(named.group(1))
    else:
        rank = started[0] if started else None
    number = int(code.group(1)) if code else 0
    if number > 128 and plan.settings.launcher == "local":
        name = signal.Signals(number - 128).name
        memory = " (often for lack of memory)" if name == "SIGKILL" else ""
        return rank, f"was ended by {name}{memory}."
    return rank, "ended without a word, as a killed process does (often for lack of memory)."
