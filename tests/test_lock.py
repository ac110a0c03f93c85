"""One run at a time in a folder: in one process, in several, across forks, and after a process has died."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

import icon_nb as icon
from icon_nb.errors import SaveError
from icon_nb.study.folders.checkpoints import Checkpoints, FolderLock

SMALL = {"n_samples": 60, "epochs": 3, "max_points": 20, "hidden_dim": 8, "quiet": True, "probe": False, "viz": False}


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
    assert (tmp_path / "run" / ".running").exists()
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
    ["2147483646", "", "nonsense", "-1", "9" * 40, str(os.getpid()), str(os.getppid())],
    ids=["dead", "empty", "words", "negative", "long", "own", "alive"],
)
def test_a_file_that_nobody_locks_is_taken_over_whatever_it_says(tmp_path, left):
    (tmp_path / ".running").write_text(left)  # older versions wrote the number of their process
    held = Checkpoints(tmp_path)
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.timeout(60)
def test_a_child_that_is_forked_in_a_callback_trains_no_further(tmp_path):
    codes = []

    def fork(record, recorder):
        if record.epoch != 1:
            return
        if child := os.fork():
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        else:
            codes.append("child")

    try:
        results = icon.run(**SMALL, save_to=tmp_path / "run", on_record=fork)
        code = 1
    except SaveError as error:
        code = 0 if "forked from" in str(error) else 2
    if codes == ["child"]:
        os._exit(code)
    assert codes == [0]
    assert icon.load(tmp_path / "run") == results == icon.run(**SMALL)


def contend(folder, taken, barrier):
    barrier.wait()
    try:
        taken.append(FolderLock(folder))
    except SaveError:
        return


@pytest.mark.parametrize("left", [True, False], ids=["left behind", "new"])
def test_of_many_threads_one_takes_the_lock(tmp_path, left):
    for attempt in range(20):
        folder, taken, barrier = tmp_path / str(attempt), [], threading.Barrier(8)
        folder.mkdir()
        if left:
            (folder / ".running").touch()
        threads = [threading.Thread(target=contend, args=(folder, taken, barrier)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 1
        taken[0].release()


RACE = """
import sys, time
from pathlib import Path
from icon_nb.errors import SaveError
from icon_nb.study.folders.checkpoints import FolderLock
held = []
for k in range(40):
    while time.time() < float(sys.argv[2]) + 0.02 * k:
        pass
    try:
        held.append(FolderLock(Path(sys.argv[1]) / str(k)))
        print(k, flush=True)
    except SaveError:
        pass
print("done", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("left", [True, False], ids=["left behind", "new"])
def test_of_several_processes_one_takes_the_lock(tmp_path, left):
    for k in range(40):
        (tmp_path / str(k)).mkdir()
        if left:
            (tmp_path / str(k) / ".running").touch()
    command = [sys.executable, "-c", RACE, str(tmp_path), str(time.time() + 8)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, **pipes) for _ in range(3)]
    taken = [[*iter(racer.stdout.readline, "done\n")] for racer in racers]  # nobody lets go before all have tried
    for racer in racers:
        racer.communicate()
    assert sorted(int(line) for lines in taken for line in lines) == list(range(40))


HOLD = """
import sys
from icon_nb.study.folders.checkpoints import FolderLock
held = FolderLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_lets_go_and_no_number_of_a_process_matters(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        (tmp_path / ".running").write_text("2147483646")  # in a container, processes have other numbers
        assert refused(tmp_path)
        other.kill()
    assert (tmp_path / ".running").exists()
    Checkpoints(tmp_path).close(finished=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink(path.parent / "nowhere", path)])
def test_what_is_no_file_is_no_lock(tmp_path, make):
    make(tmp_path / ".running")
    with pytest.raises(SaveError, match=r"\.running is no file, and cannot be locked: remove it"):
        icon.run(icon.Config(**SMALL), save_to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".running"]


def test_where_files_cannot_be_locked_the_error_says_so(tmp_path, monkeypatch):
    def without_locks(*args):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", without_locks)  # as on some network drives
    with pytest.raises(SaveError, match=r"could not write .*\.running: No locks available; choose another folder"):
        Checkpoints(tmp_path)


def test_a_folder_that_was_made_anew_keeps_the_lock_of_its_next_run(tmp_path):
    first = FolderLock(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    second = FolderLock(tmp_path / "run")
    first.release()
    assert refused(tmp_path / "run")
    second.release()
    assert list((tmp_path / "run").iterdir()) == []
