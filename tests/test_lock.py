"""One run at a time in a folder: in one process, in several, across forks, and after a process has died."""

import os
import subprocess
import sys
import threading
import time

import pytest

import icon_nb as icon
from icon_nb.errors import SaveError
from icon_nb.study.folders import lock
from icon_nb.study.folders.checkpoints import Checkpoints

SMALL = {"n_samples": 60, "epochs": 3, "max_points": 20, "hidden_dim": 8, "quiet": True, "probe": False, "viz": False}
DEAD = "2147483646"


def in_a_child(act):
    """What a forked child makes of it: 0 when ``act`` is true."""
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            code = 0 if act() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def refused(folder):
    try:
        Checkpoints(folder)
    except SaveError as error:
        return "being written by another run" in str(error)
    return False


def test_a_second_in_the_same_process_is_refused_and_the_first_keeps_its_lock(tmp_path):
    first = Checkpoints(tmp_path / "run")
    (tmp_path / "other").symlink_to(tmp_path / "run")
    assert refused(tmp_path / "run")
    assert refused(tmp_path / "other")
    assert (tmp_path / "run" / ".running").read_text() == str(os.getpid())
    first.close(finished=False)
    assert not (tmp_path / "run" / ".running").exists()
    Checkpoints(tmp_path / "run").close(finished=False)


def test_a_run_that_begins_within_another_leaves_it_alone(tmp_path):
    def another(record, recorder):
        if record.epoch == 1:
            for resume in (False, True):
                with pytest.raises(SaveError, match="another run|holds a run"):
                    icon.run(icon.Config(**SMALL), save_to=tmp_path / "run", resume=resume)

    done = icon.run(icon.Config(**SMALL), save_to=tmp_path / "run", on_record=another)
    assert icon.load(tmp_path / "run").history["loss"] == done.history["loss"]
    assert not (tmp_path / "run" / ".running").exists()


def test_a_run_that_is_refused_changes_no_settings(tmp_path):
    def another(record, recorder):
        with pytest.raises((SaveError, icon.errors.ConfigError)):
            icon.run(icon.Config(**SMALL, temperature=0.9), save_to=tmp_path / "run")
        assert '"temperature": 0.5' in (tmp_path / "run" / "config.json").read_text()

    icon.run(icon.Config(**SMALL, temperature=0.5), save_to=tmp_path / "run", on_record=another)


@pytest.mark.parametrize(
    "left",
    [DEAD, "", "nonsense", "-1", "9" * 40, str(os.getpid())],
    ids=["dead", "empty", "words", "negative", "long", "own"],
)
def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path, left):
    (tmp_path / ".running").write_text(left)  # the last: in a container, numbers come again
    held = Checkpoints(tmp_path)
    assert (tmp_path / ".running").read_text() == str(os.getpid())
    assert refused(tmp_path)
    held.close(finished=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_across_a_fork(tmp_path):
    held = Checkpoints(tmp_path)
    assert in_a_child(lambda: refused(tmp_path)) == 0
    assert in_a_child(lambda: held.close(finished=False) is None) == 0  # a child that ends as its parent would
    assert refused(tmp_path)
    held.close(finished=False)
    assert in_a_child(lambda: Checkpoints(tmp_path)) == 0  # which ends without letting go
    assert (tmp_path / ".running").exists()
    Checkpoints(tmp_path).close(finished=False)


def contend(folder, taken, barrier):
    barrier.wait()
    try:
        lock.take(folder)
    except SaveError:
        return
    taken.append(threading.get_ident())


def test_of_many_threads_that_find_a_dead_lock_one_takes_it(tmp_path):
    for attempt in range(20):
        folder, taken, barrier = tmp_path / str(attempt), [], threading.Barrier(8)
        folder.mkdir()
        (folder / ".running").write_text(DEAD)
        threads = [threading.Thread(target=contend, args=(folder, taken, barrier)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 1
        lock.release(folder)


RACE = """
import sys, time
from pathlib import Path
from icon_nb.errors import SaveError
from icon_nb.saving import lock
for k in range(40):
    while time.time() < float(sys.argv[2]) + 0.02 * k:
        pass
    try:
        lock.take(Path(sys.argv[1]) / str(k))
        print(k)
    except SaveError:
        pass
sys.stdout.flush()
sys.stdin.read()
"""


def test_of_several_processes_that_find_a_dead_lock_one_takes_it(tmp_path):
    for k in range(40):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / ".running").write_text(DEAD)
    command = [sys.executable, "-c", RACE, str(tmp_path), str(time.time() + 8)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, **pipes) for _ in range(3)]
    while sum((tmp_path / str(k) / ".running").read_text() != DEAD for k in range(40)) < 40:
        assert all(racer.poll() is None for racer in racers)
        time.sleep(0.1)
    time.sleep(1)
    taken = [line for racer in racers for line in racer.communicate()[0].split()]
    assert sorted(map(int, taken)) == list(range(40))
