"""An optimizer and a scheduler of the user's own, early stopping, devices by their number, and float16."""

import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR, ReduceLROnPlateau, StepLR

import icon_nb as icon
from icon_nb.errors import ConfigError, DeviceError
from icon_nb.study.run import start

FEW = {"dataset": "digits", "n_samples": 200, "epochs": 3, "batch_size": 50, "max_points": 60, "probe": False, "quiet": True}


def momentum(parameters):
    """What a person writes in a training script."""
    return torch.optim.SGD(parameters, lr=0.02, momentum=0.9)


def factored(parameters):
    """An optimizer whose memory has other shapes than its parameters."""
    return torch.optim.Adafactor(parameters, lr=0.01)


def halving(optimizer):
    return StepLR(optimizer, 1, gamma=0.5)


def stop_at(epoch):
    def stop(record, recorder):
        if record.epoch == epoch:
            raise RuntimeError("stopped")

    return stop


# --- optimizer and scheduler -----------------------------------------------------------------------------------------


def test_the_named_optimizer_given_as_a_function_trains_to_the_same_numbers():
    own = icon.run(optimizer=partial(torch.optim.Adam, lr=1e-3), **FEW)
    named = icon.run(optimizer="adam", learning_rate=1e-3, **FEW)
    assert own.history["loss"] == named.history["loss"]
    assert own.config.learning_rate is None
    assert own.provenance["sources"]["optimizer"] == "keyword"
    assert "Adam" not in named.config.optimizer
    assert own.config.optimizer.startswith("own:functools.partial-")


def test_a_scheduler_steps_once_an_epoch():
    still = lambda optimizer: LambdaLR(optimizer, lambda epoch: float(epoch < 1))  # noqa: E731
    run, short = icon.run(scheduler=still, **FEW), icon.run(**{**FEW, "epochs": 1})
    assert all(torch.equal(run.state[name], short.state[name]) for name in run.state)
    assert "still" not in run.config.scheduler
    assert "lambda" in run.config.scheduler


def test_a_scheduler_that_looks_at_the_loss_sees_it():
    never_better = partial(ReduceLROnPlateau, factor=0.5, patience=0, threshold=1e9, threshold_mode="abs")
    session = start(icon.Config(scheduler=never_better, **FEW))
    list(session.records())
    assert session.trainer.learning_rate == 1e-3
    assert session.trainer.optimizer.param_groups[0]["lr"] == 1e-3 * 0.5**2


def test_functions_of_one_name_and_other_code_are_told_apart():
    def at(rate):
        return lambda parameters: torch.optim.SGD(parameters, lr=rate)

    plain = [lambda parameters: torch.optim.SGD(parameters, lr=1), lambda parameters: torch.optim.SGD(parameters, lr=2)]
    assert len({icon.Config(optimizer=make).key() for make in (*plain, at(1), at(2))}) == 4
    assert icon.Config(optimizer=at(1)) == icon.Config(optimizer=at(1))


OWN = [
    {"optimizer": momentum, "scheduler": halving},
    {"optimizer": factored},
    {"scheduler": partial(OneCycleLR, max_lr=0.01, total_steps=9)},  # which moves the betas of Adam too
    {"precision": "float16"},
]


@pytest.mark.parametrize("own", OWN)
def test_a_stopped_run_and_a_longer_one_end_in_the_same_bits(own, tmp_path):
    whole = icon.run(**FEW, **own)
    with pytest.raises(RuntimeError):
        icon.run(save_to=tmp_path / "stopped", on_record=stop_at(2), **FEW, **own)
    assert icon.run(save_to=tmp_path / "stopped", resume=True, **FEW, **own) == whole
    icon.run(save_to=tmp_path / "short", **{**FEW, **own, "epochs": 1})
    assert icon.run(save_to=tmp_path / "short", resume=True, **FEW, **own) == whole
    assert icon.run(**FEW, **own).fork(1) == whole


def test_without_the_function_a_run_is_read_and_not_gone_on_with(tmp_path):
    run = icon.run(optimizer=momentum, scheduler=halving, save_to=tmp_path / "run", **FEW)
    code = (
        "import sys, icon_nb\n"
        "run = icon_nb.load(sys.argv[1])\n"
        "print(run.summary())\n"
        "try: run.fork(3, epochs=4)\n"
        "except icon_nb.errors.ConfigError as error: print(error)\n"
        "from test_own_optimizer import momentum, halving\n"
        "print(run.fork(3, epochs=4, optimizer=momentum, scheduler=halving, quiet=True).history['epoch'][-1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], cwd="tests", capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert said[0] == run.summary(), done.stderr
    assert "optimizer was test_own_optimizer.momentum, an object of yours: give it again, as optimizer=" in said[1]
    assert said[2] == "4"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"optimizer": momentum, "learning_rate": 0.1}, "learning_rate has no effect with optimizer='own:.*momentum"),
        ({"optimizer": momentum, "weight_decay": 0.1}, "weight_decay has no effect"),
        ({"optimizer": momentum, "momentum": 0.1}, "momentum has no effect"),
        ({"optimizer": momentum, "warmup": 2}, "warmup has no effect with optimizer='own:"),
        ({"scheduler": halving, "warmup": 2}, "warmup has no effect with scheduler='own:"),
        ({"scheduler": halving, "learning_rate": "0.1..0.01:cosine"}, "learning_rate='.*' is moved by scheduler="),
        ({"scheduler": "cosine"}, "scheduler='cosine': give a function"),
        ({"optimizer": "adan"}, "did you mean 'adam'"),
        ({"optimizer": momentum([nn.Parameter(torch.ones(1))])}, "is of type SGD: give a text, or a function"),
        ({"optimizer": lambda parameters: None}, "made an object of type NoneType: give a function"),
        ({"optimizer": lambda parameters: torch.optim.SGD(parameters, lr=-1)}, "failed .ValueError: Invalid learning rate"),
        ({"optimizer": torch.optim.LBFGS}, "several losses a step"),
        ({"scheduler": lambda optimizer: optimizer}, "made an object of type Adam: give a function that makes a torch scheduler"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(settings, says):
    with pytest.raises(ConfigError, match=says):
        icon.run(**FEW, **settings)


# --- early stopping --------------------------------------------------------------------------------------------------

HASTY = {**FEW, "method": "supcon", "learning_rate": 0.02, "epochs": 40, "patience": 3}


def test_a_run_ends_where_the_loss_falls_no_more():
    run = icon.run(**HASTY)
    loss, last = run.history["loss"], run.history["epoch"][-1]
    best = loss.index(min(loss[1:]))
    assert last == best + 3 < 40
    assert run.status == "complete"
    assert run.provenance["stopped"] == f"the loss of epoch {best} was not undercut for 3 epochs"
    assert run.trajectory.epochs[-1] == last
    assert run.history["loss"] == icon.run(**{**HASTY, "patience": None}).history["loss"][: last + 1]
    assert icon.run(**{**HASTY, "record_every": 25}).trajectory.epochs.tolist() == [0, last]


def test_a_run_that_stopped_early_is_finished(tmp_path):
    whole = icon.run(**HASTY)
    with pytest.raises(RuntimeError):
        icon.run(save_to=tmp_path, on_record=stop_at(whole.history["epoch"][-1] - 1), **HASTY)
    assert icon.run(save_to=tmp_path, resume=True, **HASTY) == whole
    assert icon.run(save_to=tmp_path, resume=True, **HASTY) == whole
    assert icon.load(tmp_path).provenance["stopped"] == whole.provenance["stopped"]
    longer = icon.run(save_to=tmp_path, resume=True, **{**HASTY, "epochs": 80})
    assert longer.history["loss"] == whole.history["loss"]


def test_a_fork_begins_to_count_anew():
    run = icon.run(**HASTY)
    fork = run.fork(run.history["epoch"][-1], learning_rate=1e-3)
    assert len(fork.history["epoch"]) >= len(run.history["epoch"]) + 3


def test_patience_and_a_loss_that_moves_are_refused():
    with pytest.raises(ConfigError, match="patience has no effect with a schedule of temperature or alpha"):
        icon.Config(temperature="0.1..1.0", patience=3)


# --- devices and precision -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cuda:x", "gpu", "cuda:", "cpu:1", "cuda:-1"])
def test_a_device_that_is_none_is_refused(device):
    with pytest.raises(ConfigError, match=f"device='{device}' is not known; .*cuda:1"):
        icon.Config(device=device)


def test_a_card_that_is_absent_is_named(monkeypatch):
    config = icon.Config(device="cuda:7", **FEW)
    assert icon.Config.from_json(config.to_json()) == config
    with pytest.raises(DeviceError, match="device='cuda:7' is not a"):
        icon.run(config)


def test_float16_trains_as_float32_does():
    half, single = (icon.run(**{**FEW, "precision": precision}) for precision in ("float16", "float32"))
    assert half.history["loss"] == pytest.approx(single.history["loss"], rel=0.02)
    assert half.history["loss"] != single.history["loss"]
    assert half.backbone[1].weight.dtype == torch.float32
