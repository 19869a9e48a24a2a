"""An instance from `up` to `reset`: one small process of it is enough for most stories."""

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from deploy.local import postgres, processes
from deploy.local import stack as stacks
from deploy.local.faults import LocalStackError
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import ChildRecord, Options, ProcessId

SMALL = Options(only=("sms",))
PATIENCE_S = 60


def run(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person gives it."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", *arguments, "-d", str(stack.folder.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def process_of(stack: Stack, name: str = "sms") -> ProcessId:
    running = stack.running
    assert running is not None
    process = running.children[name].process
    assert process is not None
    return process


def of_instance(stack: Stack) -> list[str]:
    """Command lines of every process that names the instance's folder or writes below it."""
    folder = str(stack.folder.path)
    lines = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            line = " ".join(process.cmdline())
            log = Path(f"/proc/{process.pid}/fd/2").resolve()
            if folder in line or folder in str(log):
                lines.append(line)
        except (psutil.Error, OSError):
            continue
    return lines


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An instance that never started."""
    stack = Stack(tmp_path / "instance")
    yield stack
    stack.reset()
    assert of_instance(stack) == []


@pytest.fixture
def small(stack: Stack) -> Stack:
    """A running instance."""
    stack.up(SMALL)
    return stack


def answers(stack: Stack) -> bool:
    try:
        address = f"http://127.0.0.1:{stack.state.ports['sms']}/health/ready"
        return httpx.get(address, trust_env=False, timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        return False


def test_up_tells_each_step_and_what_runs_answers(stack: Stack) -> None:
    told: list[tuple[str, ChildRecord]] = []

    started = stack.up(SMALL, lambda name, record: told.append((name, record)))

    assert started
    assert answers(stack)
    assert [(name, record.phase) for name, record in told] == [("sms", "ready")]


def test_rows_of_a_folder_that_is_gone_are_not_taken_over(stack: Stack) -> None:
    # given a data folder whose instance was removed by hand, and its password with it
    data = postgres.locate(stack.folder.path, 0, "").data
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18")

    stack.up(SMALL)

    assert not data.exists()


@pytest.mark.parametrize("name", ["state.json", "running.json"])
def test_reset_removes_what_another_version_wrote(stack: Stack, name: str) -> None:
    (stack.folder.make().path / name).write_text('{"of": "another version"}')

    stack.reset()

    assert not stack.folder.path.exists()


def test_a_second_up_changes_nothing_and_says_so(small: Stack) -> None:
    before = small.running

    assert not small.up(SMALL)

    assert small.running == before
    again = run(small, "up", "--only", "sms")
    assert again.returncode == 0
    assert "runs already" in again.stdout


def test_up_with_more_than_runs_is_refused_by_name(small: Stack) -> None:
    with pytest.raises(LocalStackError, match="runs here, but without smtp: `down` first"):
        small.up(Options(only=("sms", "smtp")))


def test_down_ends_every_process_and_keeps_the_choices(small: Stack) -> None:
    running, state = small.running, small.state
    assert running is not None
    assert len(of_instance(small)) == 3  # supervisor, launcher, sink

    assert small.down()

    assert of_instance(small) == []
    assert small.running is None
    assert not small.down()
    small.up(SMALL)
    assert small.state == state


def test_a_killed_process_comes_back_and_the_restart_is_recorded(small: Stack) -> None:
    before = process_of(small)

    small.kill("sms", signal.SIGKILL)
    assert processes.wait_gone([before], PATIENCE_S)
    small.await_ready("sms")

    running = small.running
    assert running is not None
    assert running.children["sms"].restarts == 1
    assert answers(small)


def test_a_process_is_restarted_stopped_and_started_on_command(small: Stack) -> None:
    before = process_of(small)

    small.restart("sms")
    assert process_of(small) != before
    assert answers(small)

    small.stop("sms")
    assert not answers(small)

    small.start("sms")
    assert answers(small)


def test_commands_to_nobody_are_refused(small: Stack) -> None:
    with pytest.raises(LocalStackError, match="no process 'payroll'"):
        small.restart("payroll")
    with pytest.raises(LocalStackError, match="no process 'payroll'"):
        small.stop("payroll")
    small.down()
    with pytest.raises(LocalStackError, match="does not run here; `up` starts it"):
        small.stop("sms")


def test_after_a_killed_supervisor_up_cleans_up_and_starts_afresh(small: Stack) -> None:
    running = small.running
    assert running is not None
    before = process_of(small)

    processes.send(running.supervisor, signal.SIGKILL)
    assert processes.wait_gone([running.supervisor], PATIENCE_S)
    assert small.running is None

    assert small.up(SMALL)
    assert not processes.is_alive(before)
    assert answers(small)


def test_a_stale_record_whose_pid_somebody_else_has_now_harms_nobody(small: Stack) -> None:
    running = small.running
    assert running is not None
    small.down()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        gone = ProcessId(pid=stranger.pid, started_s=1_000_000.0)
        child = running.children["sms"].model_copy(update={"process": gone})
        small.folder.save_running(
            running.model_copy(update={"supervisor": gone, "children": {"sms": child}})
        )

        assert small.running is None
        small.down()

        assert stranger.poll() is None
        stranger.kill()


def test_orphans_that_outlived_their_supervisor_are_ended(small: Stack, tmp_path: Path) -> None:
    running = small.running
    assert running is not None
    small.down()
    child = processes.spawn(
        processes.Process(name="orphan", argv=("sleep", "600"), log=tmp_path / "orphan.log")
    )
    record = running.children["sms"].model_copy(update={"process": child.identity})
    small.folder.save_running(running.model_copy(update={"children": {"orphan": record}}))

    assert small.down()

    assert child.wait() == -signal.SIGTERM


def test_a_start_that_fails_says_why_and_leaves_nothing(
    stack: Stack,
) -> None:
    with pytest.raises(LocalStackError, match=r"bank ended with code 2: .*no-such-option"):
        stack.up(Options(only=("sms", "bank"), bank=("--no-such-option",)))

    assert stack.running is None
    assert of_instance(stack) == []


def test_a_full_disk_is_said_before_anything_is_written(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "LEAST_FREE_BYTES", 10**18)

    with pytest.raises(LocalStackError, match=r"MB free; the stack needs"):
        stack.up(SMALL)

    assert not stack.folder.path.exists()


def test_the_commands_show_state_and_logs(small: Stack) -> None:
    shown = run(small, "status")

    assert shown.returncode == 0
    assert "sms" in shown.stdout
    assert "ready" in shown.stdout
    assert run(small, "logs", "sms").returncode == 0
    unknown = run(small, "logs", "payroll")
    assert unknown.returncode == 1
    assert "There are: launcher, sms, supervisor." in unknown.stdout.replace("\n", "")


def test_a_centre_gets_its_own_settings_for_its_shell(small: Stack) -> None:
    printed = run(small, "env", "region.vn-07").stdout

    password = small.state.secrets.kafka_users["region.vn-07"]
    assert f"export HAMROH_KAFKA_PASSWORD={password}\n" in printed
    assert "export HAMROH_KAFKA_USERNAME=region.vn-07\n" in printed
    assert "DATABASE" not in printed
    assert run(small, "env", "region.vn-99").returncode == 1


def test_status_of_nothing_is_an_error(stack: Stack) -> None:
    shown = run(stack, "status")

    assert shown.returncode == 1
    assert "does not run" in shown.stdout


def test_reset_forgets_everything(small: Stack) -> None:
    assert run(small, "reset").returncode == 0

    assert not small.folder.path.exists()


def test_files_with_secrets_are_for_their_owner_alone(small: Stack) -> None:
    for name in ("state.json", "running.json", "logs"):
        assert stat.S_IMODE((small.folder.path / name).stat().st_mode) & 0o077 == 0, name


def test_two_instances_run_side_by_side(small: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path / "other")
    other.up(SMALL)
    try:
        assert answers(small)
        assert answers(other)
        assert other.state.ports["sms"] != small.state.ports["sms"]
    finally:
        other.reset()
    assert answers(small)
