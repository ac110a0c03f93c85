"""Small models train in one thread, unless somebody has set the number; afterwards it is what it was."""

import os
import subprocess
import sys

import pytest
import torch

import icon_nb as icon
from icon_nb.study.session import Session
from icon_nb.training import ranks as threads

SAID = """
import sys, torch, icon_nb as icon
{before}
seen = []
def look(record, recorder):
    seen.append(torch.get_num_threads())
icon.run(n_samples=200, quiet=True, on_record=look, **({{'epochs': 1}} | {settings}))
print(set(seen), torch.get_num_threads())
"""


def said(before: str = "", settings: str = "{}", **environment: str) -> str:
    own = {name: value for name, value in os.environ.items() if name not in threads.SET_BY} | environment
    code = SAID.format(before=before, settings=settings)
    return subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True).stdout.strip()


several = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no second thread to leave out")


@several
def test_a_small_model_trains_in_one_thread_and_leaves_the_number_as_it_was():
    seen, after = said().rsplit(" ", 1)
    assert seen == "{1}"
    usual = subprocess.run([sys.executable, "-c", "import torch; print(torch.get_num_threads())"], capture_output=True, text=True)
    assert after == usual.stdout.strip() or "OMP_NUM_THREADS" in os.environ


@several
def test_the_environment_and_a_call_decide():
    assert said(OMP_NUM_THREADS="2") == "{2} 2"
    cores = len(os.sched_getaffinity(0))
    assert said(f"torch.set_num_threads({cores + 1})") == f"{{{cores + 1}}} {cores + 1}"


def test_a_large_step_keeps_its_threads():
    config = icon.Config(dataset="digits", backbone="simplecnn", quiet=True).resolve()
    assert not threads.is_small(Session(config, icon.data.load("digits")).trainer)
    small = icon.Config(dataset="digits", quiet=True).resolve()
    assert threads.is_small(Session(small, icon.data.load("digits")).trainer)


def test_the_number_comes_back_after_an_error(monkeypatch):
    config = icon.Config(dataset="digits", quiet=True).resolve()
    trainer = Session(config, icon.data.load("digits")).trainer
    monkeypatch.setattr(threads, "chosen_by_user", lambda number: False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="1 thread"), threads.threads_for(threads.is_small(trainer)):
            raise ValueError(f"{torch.get_num_threads()} thread")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_multiplications_are_counted_layer_by_layer_and_the_network_stays_as_it_was():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 5))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert threads.multiplications(network, torch.ones(1, 1, 4, 4)) == 2 * 9 * 4 + 8 * 5
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(layer._forward_hooks for layer in network.modules())


@several
def test_a_map_for_which_somebody_waits_is_made_in_one_thread():
    code = """
import torch, numpy as np, icon_nb as icon
from icon_nb.animation import tsne_map
seen, descend = set(), tsne_map.descend
tsne_map.descend = lambda *given, **more: (seen.add(torch.get_num_threads()), descend(*given, **more))[1]
recorder = icon.Recorder()
recorder.record(np.random.default_rng(0).normal(size=(40, 5)))
recorder.animate(projection="tsne_quick").to_bytes()
print(seen, torch.get_num_threads() > 1)
"""
    own = {name: value for name, value in os.environ.items() if name not in threads.SET_BY}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{1} True"
