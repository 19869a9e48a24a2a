"""What processes cost: CPU seconds and memory, as the operating system counts them."""

import platform
import re
from collections.abc import Mapping
from importlib.metadata import version

import psutil  # type: ignore[import-untyped]

from deploy.local.plan import ROOT
from deploy.local.stack import Stack

POSTGRES, KAFKA = "postgres", "kafka-1"


def infrastructure(stack: Stack) -> dict[str, int]:
    """The pids of PostgreSQL's first process and of the broker."""
    if stack.running is None:
        raise RuntimeError("the stack does not run")
    children = stack.running.children
    named = {name: children[name].process for name in (POSTGRES, KAFKA)}
    return {name: process.pid for name, process in named.items() if process is not None}


def cpu_s(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds spent so far by each process with all it started, what has ended included."""
    spent = {}
    for name, pid in pids.items():
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        spent[name] = sum(_cpu_s(process) for process in family)
    return spent


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def memory_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """Resident memory of each process alone, in megabytes."""
    return {name: psutil.Process(pid).memory_info().rss / 1e6 for name, pid in pids.items()}


def versions() -> str:
    """What was measured with, in one line."""
    packages = ("aiokafka", "asyncpg", "faststream", "pydantic", "uvloop")
    named = ", ".join(f"{name} {version(name)}" for name in packages)
    cpu = f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB"
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    jars = (ROOT / "deploy" / "local" / "jars.txt").read_text(encoding="utf-8")
    kafka = re.findall(r"kafka-clients:([0-9.]+)", jars)
    return f"{cpu}, {system}, {named}, Kafka {', '.join(kafka)}"


def load() -> str:
    """How busy the machine has been in the last minute, other work included."""
    return f"{psutil.getloadavg()[0]:.1f}"
