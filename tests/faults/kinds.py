"""The kinds of faults. Each is done to one run of a scene, and says whether it happened: a run may end before it.

A kind returns the exit codes with which the run may end. What nobody could have explained is counted: a bug report
(exit code 70), or a run that does not end.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiform.cli.opening import state_of
from faults.figures import Figures
from faults.running import Run, Strike
from faults.scene import Scene
from servers import Database
from whole.commands import start
from whole.shop import loaded

Kind = Callable[[Scene, Figures, str], bool]
DAY = 86_400.0
DISK = 4 * 1024 * 1024


def ended(scene: Scene, run: Run, figures: Figures, where: str, allowed: tuple[int, ...]) -> int | None:
    """Wait for the end; count an end that explains nothing."""
    code, output = run.ended()
    if code is None:
        run.kill()
    if code == 0 and run.passed:
        scene.lengths[run.label] = run.passed
    scene.applied |= code == 0
    if code not in allowed:
        figures.found("not_explained", f"{where}: exit code {code}\n{output}")
    return code


def kill_at_a_point(scene: Scene, figures: Figures, where: str) -> bool:
    """Kill the run at a point of its journal, its requests or its files."""
    return killed_at(scene, figures, where, scene.somewhere("kill"))


def killed_at(scene: Scene, figures: Figures, where: str, point: int) -> bool:
    """Kill the run at this point; False when it ended before."""
    code = ended(scene, scene.begin(Strike(point, "kill")), figures, where, (-9, 0))
    return code != 0


def kill_at_random(scene: Scene, figures: Figures, where: str) -> bool:
    """Kill the command as a user starts it, at a random moment or right after a random request was processed."""
    options = ["--auto-approve"] if scene.command == "apply" else []
    begun, chance = scene.sandbox.services.count, scene.chance
    # Answers that take their time widen the moments in which a kill is hard to survive.
    scene.sandbox.faults.add("slow", probability=1.0, seconds=0.004)
    process = start(scene.root, scene.command, *options)
    at_request = chance.random() < 0.5
    until = time.monotonic() + (60.0 if at_request else chance.uniform(0.0, 0.5))
    count = begun + 1 + int(15 * chance.random() ** 2)
    while process.code is None and time.monotonic() < until:
        if at_request and scene.sandbox.services.count >= count:
            break
        time.sleep(0.001)
    process.kill()
    code, output = process.ended(60.0)
    scene.sandbox.faults.clear()
    scene.applied |= code == 0
    if code not in (-9, 0):
        figures.found("not_explained", f"{where}: exit code {code}\n{output}")
    return code == -9


def network(**fault: Any) -> Kind:
    """Return the kind that lets requests of a run meet this fault: one of them, or several."""

    def meet(scene: Scene, figures: Figures, where: str) -> bool:
        operation = scene.chance.choice([None, None, "add", "remove", "create", "modify"])
        scene.sandbox.faults.add(**fault, times=scene.chance.choice([1, 1, 3, 9]), operation=operation)
        before = list(scene.sandbox.faults.waiting)
        ended(scene, scene.begin(), figures, where, (0, 1))
        met = scene.sandbox.faults.waiting != before
        scene.sandbox.faults.clear()
        return met

    return meet


def fill_the_disk(scene: Scene, figures: Figures, where: str) -> bool:
    """Let the state's disk have no room left from a point on, but for a few blocks; afterwards somebody makes room."""
    run = scene.begin(Strike(scene.somewhere("pause"), "pause"))
    happened = run.paused()
    ballast = scene.state / "ballast"
    if happened:
        _fill(ballast, scene.chance.randrange(12) * 4096)
        run.go_on()
    ended(scene, run, figures, where, (0, 1))
    ballast.unlink(missing_ok=True)
    return happened


def reach_the_quota(scene: Scene, figures: Figures, where: str) -> bool:
    """Let no file grow beyond a size from a point on."""
    strike = Strike(scene.somewhere("quota"), "quota", scene.chance.choice([8192, 20_000, 40_000, 60_000]))
    return ended(scene, scene.begin(strike), figures, where, (0, 1)) == 1


def take_the_lock_away(scene: Scene, figures: Figures, where: str) -> bool:
    """Release the lock of a run that is at work, and start a second one; the first goes on during it or after it.

    It is held before a write. What is on its way to a platform when a lock is taken away cannot be called back: see
    `docs/guarantees.md`, what can be lost.
    """
    first = scene.begin(Strike(scene.somewhere("hold"), "hold"))
    happened = first.paused()
    if not happened:
        ended(scene, first, figures, where, (0,))
        return False
    unlock(scene)
    if scene.chance.random() < 0.5:
        second = scene.begin(name="second")
        ended(scene, second, figures, f"{where}, second", (0, 1))
        first.go_on()
    else:
        second = scene.begin(Strike(scene.somewhere("hold"), "hold"), name="second")
        second.paused()
        first.go_on()
        if scene.chance.random() < 0.5:
            ended(scene, first, figures, f"{where}, first", (0, 1))
        if not second.ended_first:
            second.go_on()
        ended(scene, second, figures, f"{where}, second", (0, 1, 4))
    ended(scene, first, figures, f"{where}, first", (0, 1))
    return True


def unlock(scene: Scene) -> None:
    """Take the lock away, as `audiform state unlock` does."""
    project, _ = loaded(scene.root)
    store, _ = state_of(project)
    try:
        store.force_unlock()
    finally:
        store.close()


def two_at_once(scene: Scene, figures: Figures, where: str) -> bool:
    """Start two runs: one of them does everything, the other one nothing, and says so."""
    first = scene.begin(Strike(scene.somewhere("pause"), "pause"))
    happened = first.paused()
    second = scene.begin(name="second")
    if scene.chance.random() < 0.5 or not happened:
        ended(scene, second, figures, f"{where}, second", (0, 4))
    if happened:
        first.go_on()
    ended(scene, first, figures, f"{where}, first", (0,))
    ended(scene, second, figures, f"{where}, second", (0, 4))
    return happened


def move_the_clock(scene: Scene, figures: Figures, where: str) -> bool:
    """Move the clock of a run at one of its points, by minutes to years, forwards or back."""
    far = scene.chance.choice([300.0, DAY / 24, DAY, 400 * DAY]) * scene.chance.choice([1, -1])
    strike = Strike(scene.somewhere("clock"), "clock", far)
    run = scene.begin(strike)
    ended(scene, run, figures, where, (0, 1, 3))
    return run.passed is not None and run.passed > strike.point


def age_the_files(scene: Scene, figures: Figures, where: str) -> bool:
    """Let every file of the state be days old for a run that is at work: what a clock does that jumps ahead."""
    run = scene.begin(Strike(scene.somewhere("pause"), "pause"))
    happened = run.paused()
    if happened:
        for file in scene.state.rglob("*"):
            os.utime(file, (time.time() - DAY, time.time() - DAY))
        second = scene.begin(name="second")
        ended(scene, second, figures, f"{where}, second", (0, 4))
        run.go_on()
    ended(scene, run, figures, where, (0,))
    return happened


def database(scene: Scene) -> Database:
    """Return the server that the state is in."""
    assert scene.database is not None
    return scene.database


def stop_the_database(scene: Scene, figures: Figures, where: str) -> bool:
    """Switch the server off from a point of the run on; afterwards somebody switches it on again."""
    run = scene.begin(Strike(scene.somewhere("pause"), "pause"))
    happened = run.paused()
    if happened:
        database(scene).stop()
        run.go_on()
    ended(scene, run, figures, where, (0, 1))
    if happened:
        database(scene).start()
    return happened


def restart_the_database(scene: Scene, figures: Figures, where: str) -> bool:
    """Switch the server off and on again at a point of the run, which has lost its lock with its connection."""
    run = scene.begin(Strike(scene.somewhere("pause"), "pause"))
    happened = run.paused()
    if happened:
        database(scene).stop()
        database(scene).start()
        if scene.chance.random() < 0.5:
            second = scene.begin(name="second")
            ended(scene, second, figures, f"{where}, second", (0, 1))
        run.go_on()
    ended(scene, run, figures, where, (0, 1))
    return happened


IN_A_DATABASE = "state in PostgreSQL"
ON_A_DISK = "disk full"
KINDS: Mapping[str, Kind] = {
    "killed at a point": kill_at_a_point,
    "killed at a random moment": kill_at_random,
    "connection cut before the body": network(fault="reset_before_body"),
    "connection cut after the body": network(fault="reset_after_body"),
    "connection cut in the answer": network(fault="reset_in_answer"),
    "answered 429": network(fault="status", status=429),
    "answered 429 with Retry-After": network(fault="status", status=429, retry_after=2),
    "answered 500": network(fault="status", status=500),
    "answered 503": network(fault="error"),
    "answered with garbage": network(fault="garbage"),
    "answered too late": network(fault="slow", seconds=0.8),
    "token expired": network(fault="expired_token"),
    ON_A_DISK: fill_the_disk,
    "quota reached": reach_the_quota,
    "lock taken away": take_the_lock_away,
    "two runs at once": two_at_once,
    "clock moved": move_the_clock,
    "files grown old": age_the_files,
    f"{IN_A_DATABASE}, killed at a point": kill_at_a_point,
    f"{IN_A_DATABASE}, server stopped": stop_the_database,
    f"{IN_A_DATABASE}, server restarted": restart_the_database,
    f"{IN_A_DATABASE}, lock taken away": take_the_lock_away,
    f"{IN_A_DATABASE}, two runs at once": two_at_once,
}


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Let the folder be a small disk of its own; yields whether that is allowed here: to root, mostly."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(ballast: Path, free: int) -> None:
    """Leave so many bytes free on the disk."""
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        disk = os.fstatvfs(handle)
        os.posix_fallocate(handle, 0, max(1, disk.f_bavail * disk.f_bsize - free))
    finally:
        os.close(handle)
