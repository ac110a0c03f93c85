"""The objective as a criterion of anybody's loop: equal to other packages, to training here, and clear about a wrong call."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import icon_nb as icon
from icon_nb.data.loading import load_for
from icon_nb.errors import ConfigError, DataError
from icon_nb.methods.catalogue import CANDIDATES
from icon_nb.methods.methods import METHODS
from icon_nb.objective import build_objective
from icon_nb.training.trainer import Trainer

N, D = 24, 6
Y = torch.arange(N) % 3
RANDOM = torch.Generator().manual_seed(0)
Z1, Z2, X = (torch.randn(N, D, generator=RANDOM, dtype=torch.float64) for _ in range(3))
GRAPH = torch.rand(N, N, generator=RANDOM, dtype=torch.float64)
EXTRA = {
    "labels": {"labels": Y},
    "inputs": {"inputs": X},
    "pairs": {"pair": Z2},
    "companion": {"companion": X},
    "graph": {"graph": GRAPH + GRAPH.T},
    "logits": {"companion": X[:, :3]},
    "tokens": {"labels": Y},
}
SETTINGS = {"perplexity": 5, "n_neighbors": 4}


def made(method, **more):
    """A criterion that few points can serve."""
    own = {name: value for name, value in SETTINGS.items() if name in (*METHODS[method].p.settings, *METHODS[method].q.settings)}
    kind = CANDIDATES[METHODS[method].p.candidates]
    if kind.parts:
        more |= {"embedding_dim": D}
    if kind.parts and not kind.counted:
        more |= {"n_classes": N if kind.name == "contexts" else 3}
    torch.manual_seed(0)
    return icon.loss(method, **own, **more).double()


def call(criterion, z1=Z1, z2=Z2):
    """The call that the method needs."""
    p = criterion.method.p
    more = {name: value for need in p.needs for name, value in EXTRA.get(need, {}).items()}
    if CANDIDATES[p.candidates].after_step:
        more["pair"] = (z2, z1)
    return criterion(z1, z2, **more) if "views" in p.needs else criterion(z1, **more)


def test_simclr_is_the_loss_of_lightly_and_of_pytorch_metric_learning():
    both = torch.cat([Z1, Z2])
    lightly = pytest.importorskip("lightly.loss").NTXentLoss(temperature=0.2)
    metric = pytest.importorskip("pytorch_metric_learning.losses").NTXentLoss(temperature=0.2)
    criterion = icon.loss("simclr", temperature=0.2)
    index = torch.arange(N).repeat(2)
    torch.testing.assert_close(criterion(Z1, Z2), lightly(Z1, Z2))
    torch.testing.assert_close(criterion(both, index=index), metric(both, index))
    order = torch.randperm(2 * N, generator=RANDOM)
    torch.testing.assert_close(criterion(both[order], index=index[order]), lightly(Z1, Z2))


def test_supcon_clip_and_cross_entropy_are_the_losses_that_have_these_names():
    metric = pytest.importorskip("pytorch_metric_learning.losses").SupConLoss(temperature=0.2)
    entropy = torch.tensor(N / 3 - 1.0, dtype=torch.float64).log()
    torch.testing.assert_close(icon.loss("supcon", temperature=0.2)(Z1, labels=Y) + entropy, metric(Z1, Y))
    a, b = F.normalize(Z1), F.normalize(Z2)
    clip = (F.cross_entropy(a @ b.T / 0.2, torch.arange(N)) + F.cross_entropy(b @ a.T / 0.2, torch.arange(N))) / 2
    torch.testing.assert_close(icon.loss("clip", temperature=0.2)(Z1, pair=Z2), clip)
    criterion = made("cross_entropy", temperature=1.0)
    torch.testing.assert_close(criterion(Z1, labels=Y), F.cross_entropy(Z1 @ criterion.prototypes.T, Y))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_a_criterion_that_learns_and_pickles(method):
    criterion = made(method)
    z = Z1.clone().requires_grad_()
    value = call(criterion, z)
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()
    for learned in criterion.parameters():
        assert learned.grad.abs().sum() > 0
    buffer = io.BytesIO()
    torch.save(criterion, buffer)
    buffer.seek(0)
    again = torch.load(buffer, weights_only=False)
    copied = pickle.loads(pickle.dumps(copy.deepcopy(criterion)))
    assert call(again) == call(copied) == call(criterion)
    assert call(icon.loss(criterion.config, n_classes=criterion.n_classes or None).double(), z.detach()).isfinite()


def test_a_pickle_does_not_carry_the_matrices_of_the_last_call():
    criterion = icon.loss("simclr")
    before = len(pickle.dumps(criterion))
    criterion(torch.randn(500, 8), torch.randn(500, 8))
    assert len(pickle.dumps(criterion)) == before


@pytest.mark.parametrize(
    "settings", [{"divergence": "js"}, {"divergence": "rkl", "alpha": 0.1}, {"alpha": 0.2}, {"distance": "neg_dot"}]
)
def test_divergences_and_pairs_of_your_own(settings):
    settings = {"supervisory": "same_class", "learned": "gaussian", "temperature": 0.3, **settings}
    criterion, direct = icon.loss(**settings), build_objective(icon.Config(**settings))
    batch = icon.Batch(torch.arange(N), y=Y, dtype=torch.float64)
    assert isinstance(direct, icon.Objective)
    torch.testing.assert_close(criterion(Z1, labels=Y), direct(batch, Z1))
    torch.testing.assert_close(pickle.loads(pickle.dumps(direct))(pickle.loads(pickle.dumps(batch)), Z1), direct(batch, Z1))


def test_it_is_what_a_run_minimises():
    config = icon.Config(method="simclr", dataset="digits", backbone="mlp", batch_size=32, augment="none").resolve()
    trainer = Trainer(config, load_for(config))
    index = next(trainer.reader.order(1))
    with torch.no_grad():
        z = trainer.model.backbone(trainer.reader.inputs(index, 1, 0))
        torch.testing.assert_close(icon.loss(config)(z, index=index.repeat(2)), trainer.loss(index, 0))


def test_a_plain_loop_learns():
    torch.manual_seed(0)
    x = torch.randn(90, 8)
    y = (x[:, 0] > 0).long()
    network, criterion = nn.Linear(8, 2), icon.loss("supcon", temperature=0.5)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        value = criterion(network(x), labels=y)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    z = F.normalize(network(x).detach())
    near = (z @ z.T).fill_diagonal_(-1).argmax(1)
    assert losses[-1] < 0.6 * losses[0]
    assert (y[near] == y).float().mean() > 0.95


def test_learned_parts_follow_the_optimizer_and_a_head_may_stand_in_front():
    criterion = icon.loss("infonce_clustering", in_features=D, embedding_dim=4)
    assert {name for name, _ in criterion.named_parameters()} == {"head.weight", "head.bias"}
    optimizer = torch.optim.Adam(criterion.parameters(), lr=0.1)
    before = criterion(Z1.float(), Z1.float()).item()
    for _ in range(30):
        optimizer.zero_grad()
        criterion(Z1.float(), Z1.float()).backward()
        optimizer.step()
    assert criterion(Z1.float(), Z1.float()).item() < before


@pytest.mark.parametrize("method", ["simclr", "supcon", "cross_entropy", "sne", "infonce_clustering"])
def test_under_autocast_the_loss_is_that_of_single_precision(method):
    criterion, weight = made(method).float(), torch.randn(D, D, generator=RANDOM)
    with torch.autocast("cpu", torch.bfloat16):
        z1, z2 = Z1.float() @ weight, Z2.float() @ weight
        assert z1.dtype == torch.bfloat16
        value = call(criterion, z1, z2)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, call(criterion, z1.float(), z2.float()))


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("simclr", {}, "which rows are views"),
        ("supcon", {}, "needs the class of every row: criterion\\(z, labels="),
        ("sne", {"labels": Y}, "needs the samples themselves"),
        ("clip", {}, "needs the embeddings of the other modality"),
        ("simclr", {"index": torch.arange(N) // 2, "labels": Y}, "labels= has no effect"),
        ("supcon", {"labels": Y[:5]}, "labels has 5 rows and the embeddings 24"),
        ("supcon", {"labels": Y / 2}, "whole numbers"),
        ("cross_entropy", {"labels": Y + 1}, "from 0 to 2"),
        ("infonce", {"index": torch.arange(N) // 2}, "all first ones, then all second ones"),
        ("mocov3", {"other": Z2}, "slow encoder"),
        ("simclr", {"other": Z2[:3]}, "of one shape"),
        ("simclr", {"index": torch.arange(N)}, "no second view"),
    ],
)
def test_a_wrong_call_says_what_p_needs(method, arguments, words):
    with pytest.raises(DataError, match=words):
        made(method)(Z1, **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"config": "simclir"}, "did you mean 'simclr'"),
        ({"config": "simclr", "epochs": 3}, "epochs has no effect on a loss"),
        ({"config": "simclr", "perplexity": 3}, "perplexity has no effect"),
        ({"config": "simclr", "n_classes": 3}, "no use for n_classes"),
        ({"config": "cross_entropy"}, "needs n_classes"),
        ({"config": 3}, "of type int"),
        ({"supervisory": "label", "learned": "clusters"}, "makes no sense"),
    ],
)
def test_what_is_no_loss_is_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        icon.loss(**arguments)


def test_in_a_lightning_module():
    lightning = pytest.importorskip("lightning")

    class Learner(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network, self.criterion = nn.Linear(D, 4), icon.loss("cross_entropy", n_classes=3, embedding_dim=4)
            self.seen = []

        def training_step(self, batch, _):
            x, y = batch
            value = self.criterion(self.network(x), labels=y)
            self.seen.append(value.item())
            return value

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.05)

    torch.manual_seed(0)
    learner = Learner()
    data = torch.utils.data.TensorDataset(Z1.float(), Y)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(max_epochs=20, accelerator="cpu", **quiet)
    trainer.fit(learner, torch.utils.data.DataLoader(data, batch_size=N))
    assert learner.seen[-1] < learner.seen[0] - 0.1
    assert "criterion.prototypes" in learner.state_dict()


@pytest.mark.friends
def test_in_a_hugging_face_trainer(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.network, self.criterion = nn.Linear(D, 4), icon.loss("supcon", temperature=0.5)

        def forward(self, x, labels):
            z = self.network(x)
            return {"loss": self.criterion(z, labels=labels), "logits": z}

    torch.manual_seed(0)
    data = [{"x": x, "labels": y} for x, y in zip(Z1.float(), Y)]
    settings = {"num_train_epochs": 30, "per_device_train_batch_size": N, "learning_rate": 0.05, "logging_steps": 1}
    arguments = transformers.TrainingArguments(
        str(tmp_path), report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no", **settings
    )
    trainer = transformers.Trainer(Model(), arguments, train_dataset=data)
    trainer.train()
    losses = [each["loss"] for each in trainer.state.log_history if "loss" in each]
    assert losses[-1] < losses[0] - 0.1
