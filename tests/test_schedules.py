"""Settings that move with the epochs, and what else is done to a step: warm-up, a shortened gradient, several batches for one."""

import math

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.methods.settings import SHAPES, value_at
from icon_nb.objective.objective import build_objective
from icon_nb.study.run import start

FEW = {"dataset": "digits", "n_samples": 200, "epochs": 4, "batch_size": 50, "quiet": True}


def losses(**settings):
    return icon.run(**FEW | settings).history["loss"]


@pytest.mark.parametrize("shape", SHAPES)
def test_schedules_begin_at_the_first_value_and_stay_between_both(shape):
    values = [value_at(f"0.2..0.8:{shape}", t) for t in np.linspace(0, 1, 101)]
    assert values[0] == pytest.approx(0.2)
    assert values[-1] == pytest.approx(0.2 if shape == "waves" else 0.8)
    assert min(values) > 0.2 - 1e-9
    assert max(values) == pytest.approx(0.8)
    if shape != "waves":
        assert values == sorted(values)
    assert len(set(values)) == (5 if shape == "steps" else len(set(values)))


def test_the_halves_of_a_cosine_by_hand():
    assert value_at("1..3:cosine", 0.25) == pytest.approx(2 - math.cos(math.pi / 4))
    assert value_at("1..3", 0.25) == 1.5


def test_a_schedule_survives_every_way_a_config_is_written():
    config = icon.Config(temperature=" 0.1..1:cosine", alpha="0..0.5", learning_rate="1e-2..1e-4:steps")
    assert config.temperature == "0.1..1.0:cosine"
    assert config.alpha == "0.0..0.5:linear"
    assert icon.Config.from_json(config.to_json()) == config == eval(repr(config), {"Config": icon.Config})
    assert config.resolve().key() == config.key() != icon.Config(temperature=0.1).key()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temperature": "warm"}, "a number, or a schedule"),
        ({"temperature": "0..1"}, "greater than 0"),
        ({"temperature": "0.1..1:cosin"}, "did you mean 'cosine'"),
        ({"temperature": "0.1..nan"}, "finite"),
        ({"alpha": "0..1"}, "less than 1"),
        ({"epochs": "1..2"}, "whole number"),
        ({"method": "pca", "temperature": "0.1..1"}, "no effect"),
        ({"divergence": "rkl", "alpha": "0..0.5"}, "infinite"),
        ({"warmup": 0}, "at least 1"),
        ({"clip_norm": 0}, "greater than 0"),
        ({"method": "tsne", "backbone": "table", "accumulate": 2}, "no effect"),
    ],
)
def test_what_is_no_schedule_is_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        icon.Config(**settings)


@pytest.mark.parametrize("setting", [{"temperature": "0.5..0.5:cosine"}, {"clip_norm": 1e9}, {"accumulate": 1}])
def test_a_schedule_that_stands_still_changes_nothing(setting):
    assert losses(temperature=0.5) == losses(**{"temperature": 0.5} | setting)


@pytest.mark.parametrize("method", ["simclr", "sne", "tsne", "supcon", "cross_entropy"])
@pytest.mark.parametrize("name", ["temperature", "alpha"])
def test_every_epoch_has_its_own_value(method, name):
    """The loss of the last epoch's objective is the loss at the last value."""
    own = {} if "batch_size" in icon.Config(method=method).resolve().to_dict() else {"batch_size": None}
    session = start(icon.Config(method=method, **{name: "0.2..0.6:linear"}, **FEW | own))
    reached = []
    for _ in session.records():
        objective = session.trainer.strategy.objective
        reached.append(str(build_objective(session.config.replace(**{name: 0.2})).supervisory) == str(objective.supervisory))
        expected = value_at("0.2..0.6", max(0, session.trainer.epoch - 1) / 3)
        fixed = build_objective(session.config.replace(**{name: expected}))
        assert str(fixed.learned) == str(objective.learned)
        assert str(fixed.supervisory) == str(objective.supervisory)
    assert reached == ([True, True, False, False, False] if name == "alpha" else [True] * 5)


def test_p_of_a_table_is_made_anew_when_alpha_moves():
    settings = {"method": "sne", "batch_size": None, "n_samples": 60}
    moved, fixed = losses(alpha="0..0.5:linear", **settings), losses(alpha=0.5, **settings)
    assert moved[-1] == pytest.approx(fixed[-1], rel=0.2)
    assert moved[1] > fixed[1]


def test_the_learning_rate_warms_up_and_falls():
    session = start(icon.Config(learning_rate="0.01..0.001:linear", warmup=1, **FEW))
    rates, step = [], session.trainer.optimizer.step
    session.trainer.optimizer.step = lambda: (rates.append(session.trainer.optimizer.param_groups[0]["lr"]), step())
    for _ in session.records():
        pass
    due = [(0.01 - 0.009 * k / 16) * min(1, (k + 1) / 4) for k in range(16)]
    assert rates == pytest.approx(due)


def test_gradients_are_shortened_and_gathered():
    session = start(icon.Config(clip_norm=1e-3, accumulate=2, optimizer="sgd", momentum=0.0, learning_rate=1.0, **FEW))
    before = torch.cat([p.detach().clone().flatten() for p in session.trainer.model.parameters()])
    session.trainer.run_epoch()
    after = torch.cat([p.detach().flatten() for p in session.trainer.model.parameters()])
    assert 0 < (after - before).norm() <= 2 * 1e-3 + 1e-6  # four batches, two steps of at most 0.001


def test_two_batches_of_one_step_are_the_mean_of_their_gradients():
    session = start(icon.Config(accumulate=4, optimizer="sgd", momentum=0.0, learning_rate=1.0, **FEW))
    trainer = session.trainer
    trainer.epoch = 1
    gradients = [
        torch.autograd.grad(trainer.loss(index, step), list(trainer.model.parameters()))
        for step, index in enumerate(trainer.reader.order(1))
    ]
    trainer.epoch = 0
    expected = [p - sum(each) / 4 for p, each in zip(trainer.model.parameters(), zip(*gradients))]
    trainer.run_epoch()
    for found, wanted in zip(trainer.model.parameters(), expected):
        assert torch.allclose(found, wanted, atol=1e-6)


def test_a_stopped_run_with_schedules_goes_on_to_the_same_end(tmp_path):
    config = icon.Config(temperature="0.1..0.5:cosine", learning_rate="0.01..0.001", warmup=2, accumulate=3, **FEW)

    def stop(record, recorder):
        if record.epoch == 2:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        icon.run(config, save_to=tmp_path / "run", on_record=stop)
    resumed = icon.run(config, save_to=tmp_path / "run", resume=True)
    assert resumed.history["loss"] == icon.run(config).history["loss"]
    assert icon.load(tmp_path / "run") == resumed


def test_a_schedule_is_drawn_as_a_curve():
    run = icon.run(temperature="0.1..0.4:linear", **FEW)
    assert run.watched(["temperature"]).metrics["temperature"] == pytest.approx([0.1, 0.1, 0.2, 0.3, 0.4])
    assert "temperature" in repr(run.plot(metrics="temperature"))
    assert "temperature" not in run.trajectory.metrics


def test_schedules_on_the_command_line():
    from icon_nb.interfaces.flags import typed
    from icon_nb.methods.config import SETTINGS

    assert typed("temperature", SETTINGS["temperature"], "0.1..1:cosine") == "0.1..1:cosine"
    with pytest.raises(ConfigError, match="a number"):
        typed("clip_norm", SETTINGS["clip_norm"], "0.1..1:cosine")


# --- a projection head -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["linear", "mlp"])
@pytest.mark.parametrize("method", ["simclr", "supcon", "cross_entropy", "spectral", "sne"])
def test_the_loss_sees_what_is_behind_the_head_and_results_what_is_before_it(method, head):
    if method == "spectral":
        with pytest.raises(ConfigError, match="head has no effect"):
            icon.Config(method=method, head=head)
        return
    batch = {} if method != "sne" else {"backbone": "mlp"}
    session = start(icon.Config(method=method, head=head, **FEW | batch))
    model = session.trainer.model
    x = session.trainer.reader.plain(session.trainer.dataset.x[:6])
    z, _ = model(x)[0]
    assert torch.allclose(z, model.head(model.backbone(x))[: len(z)])
    before = [p.detach().clone() for p in model.head.parameters()]
    session.trainer.run_epoch()
    assert all(not torch.equal(p, old) for p, old in zip(model.head.parameters(), before))


def test_a_run_with_a_head_is_probed_before_and_behind_it_and_loads(tmp_path):
    run = icon.run(head="mlp", **FEW)
    again = icon.load(run.save(tmp_path / "run"))
    assert again == run
    assert again.embed(run.data().x_test[:3]).tolist() == run.embed(run.data().x_test[:3]).tolist()
    assert again.probes == run.probes
    assert run.probes["behind the head"] != run.probes["trained"]
    assert icon.run(head="none", **FEW) == icon.run(**FEW)


# --- early exaggeration ----------------------------------------------------------------------------------------------


def test_early_exaggeration_follows_the_exaggerated_gradient_and_reports_the_plain_loss():
    settings = {"method": "tsne", "dataset": "digits", "n_samples": 60, "epochs": 8, "quiet": True}
    plain, early = (start(icon.Config(**settings, **more)).trainer for more in ({}, {"exaggeration": 4}))
    index, z = torch.arange(60), early.model.backbone.weight
    with torch.no_grad():
        z.copy_(torch.randn(60, 2, generator=torch.Generator().manual_seed(0)))
        plain.model.backbone.weight.copy_(z)
    for epoch, factor in ((0, 1), (1, 4), (2, 4), (3, 1)):
        early.epoch = plain.epoch = epoch
        loss = early.loss(index, 0)
        assert loss.item() == pytest.approx(plain.loss(index, 0).item(), rel=1e-6)
        p = plain.strategy.known.p.view(60, 60)
        points = z.detach().double().requires_grad_()
        kernel = 1 / (1 + torch.cdist(points, points).square())
        kernel = kernel - torch.diag(kernel.diag())
        expected = kernel.sum().log() / factor - (p * kernel.clamp_min(1e-30).log()).sum()  # the exaggerated loss over the factor
        (wanted,) = torch.autograd.grad(expected, points)
        (found,) = torch.autograd.grad(loss, z)
        assert torch.allclose(found.double(), wanted, atol=1e-5)


def test_early_exaggeration_ends_as_low_as_scikit_learn():
    """Without it the map ends higher: clusters that begin apart stay apart."""
    from sklearn.manifold import TSNE

    settings = {"method": "tsne", "dataset": "digits", "n_samples": 300, "quiet": True, "record_every": 400}
    run = icon.run(exaggeration=4, **settings)
    x = run.data().flat(run.data().x).numpy()
    theirs = TSNE(method="exact", perplexity=run.config.perplexity, init="pca", random_state=0).fit(x).kl_divergence_
    assert run.history["loss"][-1] < 1.005 * theirs
    assert run.history["loss"][-1] < icon.run(**settings).history["loss"][-1]


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "simclr", "exaggeration": 4},
        {"method": "tsne", "divergence": "js", "exaggeration": 4},
        {"method": "sne", "alpha": 0.1, "alpha_on": "q", "exaggeration": 4},
    ],
)
def test_exaggeration_where_it_has_no_meaning(settings):
    with pytest.raises(ConfigError, match="exaggeration"):
        icon.run(dataset="digits", n_samples=60, epochs=1, quiet=True, **settings)


def test_a_config_at_a_share_of_the_epochs_has_the_value_that_is_due():
    assert icon.Config(temperature="0.1..0.5:linear").at(0.25).temperature == pytest.approx(0.2)
