"""What if: the trunk is the same bytes, a fork that changes nothing is the run, and another setting is another future."""

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.interfaces.cli import main

SMALL = icon.Config(
    dataset="digits", n_samples=80, epochs=4, max_points=20, hidden_dim=8, embedding_dim=3, batch_size=20, quiet=True, viz=False,
    probe=False,
)  # fmt: skip
FILES = ("config.json", "embeddings.npz", "model.pt", "optimizer.pt")


@pytest.fixture(autouse=True)
def _keep_what_there_is(monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)


@pytest.fixture(scope="module")
def run():
    return icon.run(SMALL)


RESNET = {"backbone": "resnet18", "hidden_dim": None}
MOVING = {"temperature": "0.1..1.0:cosine", "learning_rate": "0.01..0.001:linear"}
STATEFUL = [{"method": name} for name in ("mocov3", "moco", "dino", "cross_entropy", "infonc_tsne")]
METHODS = [{}, MOVING, {"optimizer": "sgd"}, *STATEFUL, RESNET]


@pytest.mark.parametrize("settings", METHODS, ids=str)
@pytest.mark.parametrize("epoch", [0, 2])
def test_a_fork_that_changes_nothing_is_the_run(settings, epoch):
    run = icon.run(SMALL, **settings, epochs=3, keep_states=1000)
    branch = run.fork(epoch)
    assert branch == run
    assert branch.provenance["fork"] == {"epoch": epoch, "settings": {}}


def test_layouts_fork_too():
    run = icon.run(method="tsne", dataset="digits", n_samples=100, epochs=6, record_every=1, quiet=True)
    assert run.fork(3) == run


def test_the_trunk_is_the_same_and_the_branch_is_not(run):
    branch = run.fork(2, temperature=1.5)
    assert branch.trajectory.epochs.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(branch.trajectory.embeddings[:3], run.trajectory.embeddings[:3])
    assert branch.history["loss"][:3] == run.history["loss"][:3]
    assert not np.array_equal(branch.trajectory.embeddings[3], run.trajectory.embeddings[3])
    assert (branch.config.temperature, branch.config.epochs) == (1.5, 4)
    assert branch.provenance["fork"] == {"epoch": 2, "settings": {"temperature": 1.5}}


def test_a_branch_is_what_training_on_by_hand_gives(run):
    """The weights after an epoch, the momentum of the optimizer, and the batches of the epochs that follow."""
    from icon_nb.study.run import session_of
    from icon_nb.study.session import set_state

    branch = run.fork(2, temperature=1.5, learning_rate=0.01)
    trainer = session_of(branch.config, run.data()).trainer
    weights, optimizer = run.states[2]
    trainer.model.load_state_dict(weights)
    set_state(trainer, optimizer)
    trainer.epoch = 2
    assert [trainer.run_epoch().loss for _ in range(2)] == branch.history["loss"][3:]
    assert all(torch.equal(each, branch.state[name]) for name, each in trainer.model.state_dict().items())


@pytest.mark.parametrize(
    "settings",
    [{"method": "supcon"}, {"method": "cross_entropy"}, {"learning_rate": 0.1}, {"optimizer": "sgd"}, {"divergence": "js"},
     {"alpha": 0.2}, {"augment": "noise"}, {"epochs": 6}, {"seed": 3}, {"batch_size": 40}, {"record_every": 2},
     {"temperature": "0.1..1.0:cosine"}],
    ids=str,
)  # fmt: skip
def test_what_can_change(run, settings):
    branch = run.fork(3, **settings)
    assert branch.status == "complete"
    assert np.array_equal(branch.trajectory.embeddings[:4], run.trajectory.embeddings[:4])
    assert branch.history["epoch"][-1] == branch.config.epochs
    assert all(getattr(branch.config, name) == value for name, value in settings.items())


@pytest.mark.parametrize(
    ("epoch", "settings", "words"),
    [
        (2, {"dataset": "moving_digits"}, "dataset is that of the run"),
        (2, {"backbone": "linear"}, "hidden_dim has no effect|backbone is that of the run"),
        (2, {"embedding_dim": 5}, "embedding_dim is that of the run, 3"),
        (2, {"epochs": 1}, "epochs=1 ends before epoch=2"),
        (9, {}, "the weights after this epoch were not kept; there are those of epoch 0, 1, 2, 3, 4"),
        (2, {"temprature": 1.0}, "did you mean 'temperature'"),
    ],
)
def test_what_cannot_change_is_refused_by_name(run, epoch, settings, words):
    with pytest.raises(ConfigError, match=words):
        run.fork(epoch, **settings)


def test_branches_fork_again_and_stand_beside_their_trunk(run):
    branch = run.fork(2, temperature=1.5)
    twig = branch.fork(3, temperature=0.05)
    study = icon.Comparison([run, branch, twig])
    assert [study.name(each) for each in study][1:] == ["temperature=1.5, from epoch 2", "temperature=0.05, from epoch 3"]
    assert study.animate().timeline.epochs.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(twig.trajectory.embeddings[:4], branch.trajectory.embeddings[:4])


def test_memory_is_bounded_and_the_newest_epochs_stay():
    some = icon.run(SMALL, epochs=40)
    size = sum(each.nbytes for each in some.states[40][0].values()) * 3 / 2**20
    bound = icon.run(SMALL, epochs=40, keep_states=10 * size)
    assert 4 <= len(bound.states) <= 10
    assert max(bound.states) >= 38
    assert icon.run(SMALL, keep_states=0).states == {}
    with pytest.raises(ConfigError, match="none in memory"):
        icon.run(SMALL, keep_states=size / 10).fork(2)


def test_a_saved_run_forks_from_its_folder(run, tmp_path):
    icon.run(SMALL, save_checkpoints=True, save_to=tmp_path / "run")
    loaded = icon.load(tmp_path / "run")
    assert loaded.fork(2, temperature=1.5) == run.fork(2, temperature=1.5, save_checkpoints=True)
    icon.run(SMALL, save_to=tmp_path / "plain")
    plain = icon.load(tmp_path / "plain")
    assert plain.fork(4, epochs=6) == icon.run(SMALL, epochs=6)
    with pytest.raises(ConfigError, match="save_checkpoints=True"):
        plain.fork(2)


def test_a_fork_that_is_stopped_goes_on_as_a_fork(run, tmp_path):
    def stop(record, recorder):
        if record.epoch == 3:
            raise KeyboardInterrupt

    whole = run.fork(1, temperature=1.5, save_to=tmp_path / "whole")
    part = run.fork(1, temperature=1.5, save_to=tmp_path / "part", on_record=stop)
    assert part.status == "interrupted"
    again = icon.run(whole.config, save_to=tmp_path / "part", resume=True)
    assert [name for name in FILES if (tmp_path / "whole" / name).read_bytes() != (tmp_path / "part" / name).read_bytes()] == []
    assert again.provenance["fork"] == whole.provenance["fork"]


def test_on_the_command_line(tmp_path, capsys):
    icon.run(SMALL, save_checkpoints=True, save_to=tmp_path / "one")
    there = ["--output_dir", str(tmp_path)]
    assert main(["fork", "one", "--epoch", "2", "--temperature", "0.05", *there]) == 0
    assert "icon-nb compare" in capsys.readouterr().out
    branch = icon.load(tmp_path / "one_from_2")
    assert branch.provenance["fork"]["settings"] == {"temperature": 0.05}
    assert main(["compare", "one", "one_from_2", "--no_viz", *there]) == 0
    assert "temperature" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["fork", "one", "--epoch", "9", *there])
    assert "were not kept" in capsys.readouterr().err
    assert not (tmp_path / "one_from_9").exists()
