"""Sweeps and recipes: grids, failures, interrupts, what is done already, and the same numbers wherever they run."""

import errno
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError, SaveError
from icon_nb.study import sweep as sweeps
from icon_nb.study.comparison import Failure
from icon_nb.study.sweep import processes, run_configs, train_each

TINY = icon.Config(n_samples=200, epochs=1, max_points=60, quiet=True, probe=False, hidden_dim=64)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def same_numbers(one, other):
    assert [run.config for run in one] == [run.config for run in other]
    for a, b in zip(one, other):
        assert np.array_equal(a.trajectory.embeddings, b.trajectory.embeddings)
        assert a.history["loss"] == b.history["loss"]
        assert list(a.state) == list(b.state)
        assert all(torch.equal(a.state[name], b.state[name]) for name in a.state)
        assert repr(a.scores) == repr(b.scores)  # as text, because NaN is not equal to itself


def test_a_grid_is_run_in_order_and_equals_single_runs():
    study = icon.sweep(TINY, temperature=[0.1, 0.5], seed=range(2))
    assert [(run.config.temperature, run.config.seed) for run in study] == [(t, s) for t in (0.1, 0.5) for s in (0, 1)]
    alone = icon.run(TINY, temperature=0.5, seed=1)
    assert np.array_equal(study[3].trajectory.embeddings, alone.trajectory.embeddings)
    assert study.compared == ("temperature", "seed")


def test_a_config_that_occurs_twice_is_run_once_and_that_is_said():
    with pytest.warns(UserWarning, match="each config is run once: 1 of 2 had been given before"):
        assert len(icon.run_configs([TINY, TINY.replace(temperature=TINY.resolve().temperature)])) == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "needs a setting"),
        ({"temprature": [1]}, "did you mean 'temperature'"),
        ({"temperature": 0.1}, "give several"),
        ({"method": "sne"}, "give several"),
        ({"temperature": []}, "no value to try"),
        ({"temperature": [0.1, -1]}, "greater than 0"),
        ({"perplexity": [5]}, "no effect"),
        ({"seed": [1, 2, 1]}, "seed=1 is asked for twice"),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_run(values, words, monkeypatch):
    monkeypatch.setattr(sweeps, "run", None)
    with pytest.raises(ConfigError, match=words):
        icon.sweep(TINY, **values)


def test_a_recipe_gives_a_comparison_of_what_it_varies():
    study = icon.run_recipe("debiasing", n_samples=200, epochs=1, max_points=60, quiet=True)
    assert study.compared == ("alpha",)
    assert [run.config.alpha for run in study] == [0, 0.1, 0.2, 0.4]
    assert repr(study) == "Comparison(debiasing: 4 runs)"


def test_a_run_that_fails_is_a_row_and_the_others_go_on():
    study = icon.sweep(TINY, batch_size=[64, 100_000, 128])
    assert [run.status for run in study] == ["complete", "failed", "complete"]
    assert isinstance(study[1], Failure)
    assert "batch_size=100000" in study[1].error
    assert "batch_size=100000" in study.table()["error"][1]


def test_a_run_that_diverges_keeps_what_was_good():
    config = icon.Config(method="cross_entropy", optimizer="sgd", n_samples=300, epochs=4, quiet=True, max_points=60)
    study = icon.sweep(config, learning_rate=[1e-2, 1e18])
    assert [run.status for run in study] == ["complete", "failed"]
    assert study[1].history["epoch"]
    assert "learning_rate=1e+18" in study[1].error
    assert study.table()["diagnosis"][1] == "diverged"


def test_data_of_your_own_reach_every_run():
    x = torch.randn(120, 5, generator=torch.Generator().manual_seed(0)).numpy()
    config = icon.Config(method="sne", epochs=10, perplexity=5.0, quiet=True)
    here = icon.sweep(config, data=(x, x[:, 0] > 0), temperature=[0.5, 1.0])
    there = icon.sweep(config, data=(x, x[:, 0] > 0), temperature=[0.5, 1.0], workers=1)
    assert here[0].trajectory.n_points == 120
    same_numbers(here, there)


# Done already


def test_run_again_it_does_only_what_is_missing(tmp_path, monkeypatch):
    first = icon.sweep(TINY, temperature=[0.1, 0.5], save_to=tmp_path)
    started = []

    def noted(config, **options):
        started.append(config.temperature)
        return icon.run(config, **options)

    monkeypatch.setattr(sweeps, "run", noted)
    second = icon.sweep(TINY, temperature=[0.1, 0.3, 0.5], save_to=tmp_path)
    assert started == [0.3]
    same_numbers(first, [second[0], second[2]])
    loaded = icon.load(tmp_path)
    assert str(loaded.table()) == str(second.table())


def test_scores_of_another_version_are_computed_anew(tmp_path):
    study = icon.sweep(TINY, seed=[0], save_to=tmp_path)
    file = tmp_path / "comparison.json"
    told = json.loads(file.read_text())
    told["runs"][0]["scores"] = {"an older one": 1.0}
    file.write_text(json.dumps(told))
    assert str(icon.load(tmp_path).table()) == str(study.table())


def test_a_link_in_the_folder_of_a_study_lets_nothing_be_written_elsewhere(tmp_path):
    study = icon.sweep(TINY, seed=[0], save_to=tmp_path / "study")
    elsewhere = icon.sweep(TINY, seed=[1], save_to=tmp_path / "other")
    (theirs,) = (tmp_path / "other").glob("simclr-*")
    (theirs / "config.json").write_text("mine")
    (tmp_path / "study" / theirs.name).symlink_to(theirs)
    with pytest.raises(SaveError, match="is a link to another folder, which a run would write into: remove it"):
        icon.sweep(TINY, seed=[0, 1], save_to=tmp_path / "study")
    saved = elsewhere.save(tmp_path / "saved")
    (run,) = saved.glob("01-*")
    shutil.rmtree(run)
    run.symlink_to(theirs)
    with pytest.raises(SaveError, match="is a link to another folder"):
        elsewhere.save(saved, overwrite=True)
    assert (theirs / "config.json").read_text() == "mine"
    same_numbers(study, icon.sweep(TINY, seed=[0], save_to=tmp_path / "study"))


def test_a_finished_study_is_read_where_nothing_can_be_written(tmp_path, monkeypatch):
    first = icon.sweep(TINY, temperature=[0.1, 0.5], save_to=tmp_path)

    def refuses(*given):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("icon_nb.files._stage", refuses)
    second = icon.sweep(TINY, temperature=[0.1, 0.5], save_to=tmp_path)
    same_numbers(first, second)
    assert not second.interrupted
    with pytest.raises(SaveError, match="Read-only") as caught:
        icon.sweep(TINY, temperature=[0.1, 0.5, 0.9], save_to=tmp_path)
    assert len(caught.value.results) == 3
    (tmp_path / "comparison.json").unlink()
    with pytest.raises(SaveError, match="Read-only"):
        icon.sweep(TINY, temperature=[0.1, 0.5], save_to=tmp_path)


def test_how_it_is_drawn_does_not_count_and_what_is_computed_does():
    assert TINY.key() == TINY.replace(gif_fps=3, quiet=False, viz=False, output_dir="x", run_name="y").key()
    changes = ({}, {"seed": 1}, {"epochs": 2}, {"max_points": 61}, {"dataset": "mnist"})
    assert len({TINY.replace(**change).key() for change in changes}) == 5


def test_a_damaged_run_is_run_again(tmp_path):
    first = icon.sweep(TINY, temperature=[0.1, 0.5], save_to=tmp_path)
    for model in tmp_path.glob("*/model.pt"):
        model.write_bytes(b"gone")
        break
    same_numbers(first, icon.sweep(TINY, temperature=[0.1, 0.5], save_to=tmp_path))
    assert all(run.status == "complete" for run in icon.load(tmp_path))


# Interrupted


def interrupting(after):
    """A run that is interrupted when so many were finished."""
    done = []

    def run(config, **options):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(config)
        return icon.run(config, **options)

    return run


def test_interrupted_it_keeps_what_was_finished(monkeypatch, tmp_path):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)
    monkeypatch.setattr(sweeps, "run", interrupting(after=2))
    study = icon.sweep(TINY, temperature=[0.1, 0.3, 0.5], save_to=tmp_path)
    assert len(study) == 2
    assert study.interrupted
    assert "interrupted" in repr(study)
    assert "Interrupted" in str(study.table())
    assert icon.load(tmp_path).interrupted


def test_under_the_strict_variable_an_interrupt_is_raised(monkeypatch):
    monkeypatch.setenv("ICON_NB_STRICT", "1")
    monkeypatch.setattr(sweeps, "run", interrupting(after=1))
    with pytest.raises(KeyboardInterrupt):
        icon.sweep(TINY, temperature=[0.1, 0.3])


def test_a_run_that_was_stopped_half_way_stops_the_sweep_and_is_run_again(monkeypatch, tmp_path):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stopped(record, recorder):
        if record.epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "run", lambda config, **options: icon.run(config, **options | {"on_record": stopped}))
    study = icon.sweep(TINY, epochs=[2, 3], save_to=tmp_path)
    assert [run.status for run in study] == ["interrupted"]
    assert not list(tmp_path.glob("*/metrics.json"))
    assert "(interrupted)" in study.table()["diagnosis"][0]
    monkeypatch.setattr(sweeps, "run", icon.run)
    again = icon.sweep(TINY, epochs=[2, 3], save_to=tmp_path)
    assert [run.status for run in again] == ["complete", "complete"]


# Elsewhere


@pytest.fixture(scope="module")
def reference():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield icon.sweep(TINY, temperature=[0.1, 0.5, 0.2])
    torch.set_num_threads(before)


def test_processes_give_the_same_bits(reference):
    same_numbers(reference, icon.sweep(TINY, temperature=[0.1, 0.5, 0.2], workers=2))


def test_a_thread_pool_gives_the_same_bits(reference):
    with ThreadPoolExecutor(3) as executor:
        same_numbers(reference, icon.sweep(TINY, temperature=[0.1, 0.5, 0.2], executor=executor))


def test_a_process_pool_gives_the_same_bits(reference):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        same_numbers(reference, icon.sweep(TINY, temperature=[0.1, 0.5, 0.2], executor=executor))


def test_a_dask_cluster_gives_the_same_bits(reference):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        study = icon.sweep(TINY, temperature=[0.1, 0.5, 0.2], executor=client)
    same_numbers(reference, study)


@pytest.fixture
def two_folders(tmp_path, monkeypatch):
    """A folder to work in, and another one with another file of the same name."""
    for k, name in enumerate(("here", "there")):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "points.npy", np.random.default_rng(k).normal(size=(60, 5)).astype(np.float32))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there"


OWN = icon.Config(method="sne", backbone="linear", embedding_dim=2, epochs=1, dataset="embeddings:points.npy", quiet=True)


def test_a_worker_in_another_folder_trains_on_the_same_file(two_folders):
    alone = icon.run(OWN)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=os.chdir, initargs=(two_folders,)) as executor:
        (away,) = icon.run_configs([OWN], executor=executor)
    assert np.array_equal(away.embeddings, alone.embeddings)
    assert away.config == alone.config
    assert away.provenance["path"] == os.path.abspath("points.npy")
    assert away.provenance["host"]


@pytest.mark.friends
def test_a_worker_that_has_other_data_under_the_same_path_fails_by_name(two_folders):
    """A Dask worker that sees another folder at the same path, as another machine would; it needs the right to mount."""
    distributed = pytest.importorskip("distributed")
    if subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("this user may not mount anything")
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        mount, python = f"mount --bind {two_folders} {os.getcwd()}", f"exec {sys.executable} -m distributed.cli.dask_worker"
        command = f"{mount} && {python} {cluster.scheduler_address} --nthreads 1 --no-dashboard"
        worker = subprocess.Popen(["unshare", "-m", "sh", "-c", command])
        try:
            client.wait_for_workers(1, timeout=60)
            study = icon.run_configs([OWN, TINY], executor=client)
        finally:
            worker.terminate()
            worker.wait(timeout=30)
    assert re.search(r"the worker on .* has other data in .*points.npy", study.failures[0].error)
    assert len(study.results) == 1


def test_the_number_of_threads_goes_with_the_job():
    torch.set_num_threads(2)
    study = icon.sweep(TINY, temperature=[0.1], workers=1)
    assert study[0].provenance["threads"] == 2


def test_where_a_setting_came_from_is_known_there_too():
    study = icon.sweep(TINY, temperature=[0.1], workers=1)
    assert study[0].provenance["sources"]["temperature"] == "keyword"
    assert study[0].provenance["sources"]["distance"] == "method simclr"


WORK = sweeps.work


def die(settings, *job):
    """Stands in for a worker: the one with temperature 0.3 is killed."""
    if '"temperature": 0.3' in settings:
        os.kill(os.getpid(), signal.SIGKILL)
    return WORK(settings, *job)


@pytest.mark.parametrize("n", [1, 2])
def test_a_worker_that_dies_is_one_failed_row(n, monkeypatch, reference):
    monkeypatch.setattr(sweeps, "work", die)
    study = icon.sweep(TINY, temperature=[0.1, 0.3, 0.5, 0.2], workers=n)
    assert [run.status for run in study] == ["complete", "failed", "complete", "complete"]
    assert "SIGKILL" in study[1].error
    same_numbers(reference, [study[0], study[2], study[3]])


def square(x):
    if x < 0:
        raise ValueError("negative")
    return x * x


def test_jobs_and_their_errors_come_back_and_a_death_is_told():
    with processes(2) as submit:
        assert [job.result() for job in [submit(square, x) for x in range(5)]] == [0, 1, 4, 9, 16]
        with pytest.raises(ValueError, match="negative"):
            submit(square, -1).result()
        with pytest.raises(match="exit code 3"):
            submit(os._exit, 3).result()
        assert submit(square, 3).result() == 9


def test_what_still_runs_at_the_end_is_stopped():
    started, before = time.monotonic(), set(multiprocessing.active_children())
    with processes(2) as submit:
        jobs = [submit(os.getpid).result(), *(submit(time.sleep, 600) for _ in range(3))]
    assert time.monotonic() - started < 60
    assert not set(multiprocessing.active_children()) - before
    with pytest.raises(ProcessLookupError):
        os.kill(jobs[0], 0)


PARENT = """
import os, signal, sys
from icon_nb.study.sweep import processes
if __name__ == "__main__":
    with processes(1) as submit:
        print(submit(os.getpid).result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no signal that kills")
def test_a_worker_ends_with_its_parent(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    # reading ends where both processes have ended
    done = subprocess.run([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert int(done.stdout)


def test_workers_and_an_executor_exclude_each_other():
    for options in ({"workers": 0}, {"workers": 1, "executor": ThreadPoolExecutor(1)}):
        with pytest.raises(ConfigError, match="workers"):
            run_configs([TINY], **options)


def test_each_outcome_comes_as_it_is_finished():
    configs = [TINY.replace(temperature=t).resolve() for t in (0.1, 0.5)]
    found = list(train_each(configs, workers=1))
    assert [config.temperature for config, _ in found] == [0.1, 0.5]
    assert all(outcome.status == "complete" for _, outcome in found)


# A function that is called after every epoch


def note(record, recorder):
    """Write down which run it was called in, where another process can be asked."""
    with open(os.environ["ICON_NB_TEST_NOTES"], "a") as file:
        file.write(f"{record.epoch} {recorder.trajectory.title}\n")


@pytest.mark.parametrize("workers", [None, 1])
def test_a_function_is_called_after_every_epoch_of_every_run(workers, tmp_path, monkeypatch):
    monkeypatch.setenv("ICON_NB_TEST_NOTES", str(tmp_path / "notes"))
    icon.sweep(TINY, temperature=[0.1, 0.5], on_record=note, workers=workers)
    lines = (tmp_path / "notes").read_text().splitlines()
    assert lines == ["0 simclr on moving_digits", "1 simclr on moving_digits"] * 2


def test_a_recipe_takes_it_too():
    seen = []
    icon.run_recipe("simclr_vs_sne", n_samples=100, epochs=1, quiet=True, on_record=lambda record, _: seen.append(record.epoch))
    assert seen == [0, 1, 0, 1]


def test_a_function_that_cannot_be_sent_is_refused_by_name():
    with pytest.raises(ConfigError, match="on_record=.*cannot be sent to another process.*top of a module"):
        icon.sweep(TINY, temperature=[0.1], workers=1, on_record=lambda record, recorder: None)


# A cluster of which a worker is killed


def slow(record, recorder):
    """Time enough to be killed in."""
    with open(os.path.join(os.environ["ICON_NB_TEST_NOTES"], str(os.getpid())), "a") as file:
        file.write(f"{record.epoch}\n")
    time.sleep(0.3)


def command(line, **more):
    """Run one command of the shell; whether it succeeded."""
    return subprocess.run(line.split(), capture_output=True, **more).returncode == 0


@pytest.fixture(params=["on this machine", "in two network namespaces"])
def network(request):
    """How two workers are started, and the scheduler's host as each of them sees it; it needs the right to make a network."""
    if request.param == "on this machine":
        yield [((), "127.0.0.1")] * 2
        return
    spaces = [(f"icon-nb-{k}", f"icon{k}", f"10.213.{k}") for k in (1, 2)]
    try:
        for space, wire, net in spaces:
            if not command(f"ip netns add {space}"):
                pytest.skip("this user may not make a network namespace")
            for step in (
                f"link add {wire} type veth peer name eth0 netns {space}",
                f"addr add {net}.1/24 dev {wire}",
                f"link set {wire} up",
                f"-n {space} addr add {net}.2/24 dev eth0",
                f"-n {space} link set eth0 up",
            ):
                assert command(f"ip {step}"), step
        yield [(("ip", "netns", "exec", space), f"{net}.1") for space, _, net in spaces]
    finally:
        for space, wire, _ in spaces:
            command(f"ip link del {wire}")
            command(f"ip netns del {space}")


@pytest.mark.friends
def test_a_cluster_that_loses_a_worker_loses_no_run(network, tmp_path, monkeypatch, reference):
    """Two Dask workers in folders of their own; one is killed in the middle of a run, which the other one repeats."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("ICON_NB_TEST_NOTES", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")]))
    workers, about = [], {"n_workers": 0, "dashboard_address": None, "host": "0.0.0.0"}
    with distributed.LocalCluster(**about) as cluster, distributed.Client(cluster) as client:
        port = cluster.scheduler_address.rpartition(":")[2]
        for name, (inside, host) in zip(("one", "two"), network):
            (tmp_path / name).mkdir()
            options = [f"tcp://{host}:{port}", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
            line = [*inside, sys.executable, "-m", "distributed.cli.dask_worker", *options]
            workers.append(subprocess.Popen(line, cwd=tmp_path / name))
        try:
            client.wait_for_workers(2, timeout=120)
            killer = threading.Thread(target=kill_in_a_run, args=(workers[0].pid, tmp_path))
            killer.start()
            study = icon.sweep(TINY, temperature=[0.1, 0.5, 0.2], executor=client, on_record=slow, save_to=tmp_path / "study")
            killer.join()
        finally:
            for worker in workers:
                worker.kill()
                worker.wait(timeout=30)
    notes = {pid: (tmp_path / str(pid)).read_text().split() for pid in (worker.pid for worker in workers)}
    assert notes[workers[0].pid] == ["0"]
    assert notes[workers[1].pid] == ["0", "1"] * 3
    same_numbers(reference, study)
    same_numbers(reference, icon.load(tmp_path / "study"))


def kill_in_a_run(pid, folder):
    while not (folder / str(pid)).exists() or not (folder / str(pid)).read_text():
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
