"""Numbers that stay numbers, and the same numbers; disks that are full, folders that cannot be written, clocks that jump."""
# ruff: noqa: PT017 - what an error says is checked where it is one of two right answers

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import IconError, LoadError, SaveError
from icon_nb.objective import Objective
from icon_nb.objective.component import Batch
from icon_nb.objective.divergences import js, kl
from icon_nb.objective.learned import Gaussian, StudentT
from icon_nb.objective.supervisory import Gaussian as GaussianP
from icon_nb.objective.supervisory import SameClass

SMALL = {"n_samples": 120, "epochs": 2, "max_points": 40, "hidden_dim": 16, "embedding_dim": 4, "quiet": True, "probe": False}
PLAIN = {**SMALL, "viz": False}


# Extreme temperatures, duplicated points, batches of two: against double loops in float64


def points(kind):
    random = torch.Generator().manual_seed(0)
    z = torch.randn(6, 3, generator=random, dtype=torch.float64)
    return {"spread": z, "duplicated": z[[0, 0, 0, 1, 1, 1]], "equal": z[[0] * 6], "two": z[:2], "far": z * 1e3}[kind]


def literal_log_q(z, log_kernel):
    n = len(z)
    rows = []
    for i in range(n):
        logits = torch.stack([log_kernel(((z[i] - z[j]) ** 2).sum()) for j in range(n) if j != i])
        rows.append(logits - logits.logsumexp(0))
    return rows


def literal_kl(p, z, log_kernel):
    total = 0.0
    for i, row in enumerate(literal_log_q(z, log_kernel)):
        others = [j for j in range(len(z)) if j != i]
        total = total + sum(p[i, j] * (p[i, j].log() - row[k]) for k, j in enumerate(others) if p[i, j] > 0)
    return total / len(z)


KERNELS = {
    "gaussian": (lambda tau: Gaussian(tau), lambda tau: lambda d: -d / tau),
    "student_t": (lambda tau: StudentT(tau), lambda tau: lambda d: -torch.log1p(d / tau)),
}


@pytest.mark.parametrize("kind", ["spread", "duplicated", "equal", "two", "far"])
@pytest.mark.parametrize("tau", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("kernel", list(KERNELS))
def test_loss_and_gradient_stay_finite_and_agree_with_double_loops(kernel, tau, kind):
    make, literal = KERNELS[kernel]
    z64 = points(kind).requires_grad_()
    y = torch.arange(len(z64)) % (1 if len(z64) == 2 else 2)
    p = SameClass()(Batch(torch.arange(len(z64)), y=y, n_classes=2, dtype=torch.float64))
    expected = literal_kl(p, z64, literal(tau))
    (slope,) = torch.autograd.grad(expected, z64)
    z = z64.detach().float().requires_grad_()
    loss = kl(p.float(), make(tau)(z)).mean()
    (gradient,) = torch.autograd.grad(loss, z)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    torch.testing.assert_close(loss.double(), expected.detach(), rtol=2e-5, atol=2e-6)
    rounding = 16 * torch.finfo(torch.float32).eps / tau  # of distances between points of size one, as the slope 1 / tau grows it
    torch.testing.assert_close(gradient.double(), slope, rtol=1e-3, atol=1e-4 * max(1.0, float(slope.abs().max())) + rounding)


@pytest.mark.parametrize("tau", [1e-4, 1e4])
@pytest.mark.parametrize("method", ["simclr", "infonce", "supcon", "sne", "cross_entropy", "infonce_clustering", "cmc"])
@pytest.mark.parametrize("divergence", ["kl", "js"])
def test_extreme_temperatures_train_or_say_why_not(method, tau, divergence):
    settings = {**SMALL, "dataset": "digit_halves"} if method == "cmc" else SMALL
    settings = {**settings, "backbone": "mlp"} if method == "sne" else settings
    try:
        config = icon.Config(method=method, temperature=tau, divergence=divergence, **settings)
        run = icon.run(config)
    except IconError as error:
        assert "temperature" in str(error)
    else:
        assert np.isfinite(run.history["loss"]).all()
        assert np.isfinite(run.embeddings).all()


@pytest.mark.parametrize("method", ["simclr", "sne", "tsne", "pca", "cross_entropy", "infonce_clustering"])
def test_duplicated_points_and_batches_of_two_train_or_say_why_not(method):
    x = np.repeat(np.random.default_rng(0).normal(size=(2, 6)), 10, axis=0)
    config = icon.Config(method=method, epochs=2, record_every=1, quiet=True)
    small = config if config.resolve().batch_size is None else config.replace(batch_size=2)
    for each in (config, small):
        try:
            run = icon.run(each, data=(x, np.arange(20) % 2))
        except IconError as error:
            assert ":" in str(error)
        else:
            assert np.isfinite(run.history["loss"]).all()


def test_p_of_duplicated_points_has_rows_that_sum_to_one():
    x = torch.zeros(8, 3)
    p = GaussianP(perplexity=3.0)(Batch(torch.arange(8), x=x))
    assert torch.allclose(p.sum(1), torch.ones(8))
    objective = Objective(GaussianP(perplexity=3.0), Gaussian(1e-4), js)
    assert torch.isfinite(objective(Batch(torch.arange(8), x=x), torch.zeros(8, 2)))


# The same numbers: across threads within a tolerance, across processes bit for bit


@pytest.mark.parametrize("method", ["simclr", "tsne", "supcon"])
def test_threads_change_results_only_within_rounding(method):
    """float32 sums in another order: 1e-4 of the size of the embedding after two epochs (ten steps for the layout)."""
    threads = torch.get_num_threads()
    settings = {**SMALL, "epochs": 10} if method == "tsne" else SMALL
    settings = {name: value for name, value in settings.items() if method != "tsne" or name != "hidden_dim"}
    try:
        found = []
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            found.append(icon.run(icon.Config(method=method, **settings)).embeddings)
    finally:
        torch.set_num_threads(threads)
    size = np.abs(found[0]).max()
    for other in found[1:]:
        assert np.abs(other - found[0]).max() <= 1e-4 * size


def child(code, **environment):
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    variables = {name: value for name, value in variables.items() if value is not None}
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=280)


def test_another_process_without_a_home_leaves_the_same_bytes(tmp_path):
    """HOME absent, and a home that cannot be written: nothing here needs one."""
    code = (
        "import torch, icon_nb as icon; torch.set_num_threads(1)\n"
        f"icon.run(icon.Config(**{PLAIN!r}, save_epoch_gifs=True), save_to={str(tmp_path / 'other')!r})"
    )
    done = child(code, HOME="/proc/nowhere", XDG_CACHE_HOME=None, MPLCONFIGDIR=None)
    assert done.returncode == 0, done.stderr
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        icon.run(icon.Config(**PLAIN, save_epoch_gifs=True), save_to=tmp_path / "here")
    finally:
        torch.set_num_threads(threads)
    for name in ("config.json", "embeddings.npz", "model.pt", "training_dynamics.gif"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


# Disks and folders


def bounded(size):
    """Files of at most so many bytes: what a full disk does, where nobody may mount a small one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.fixture
def full_disk():
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    yield bounded
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def mend(before):
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_keeps_the_results_and_the_files_that_stood_there(tmp_path, full_disk):
    first = icon.run(icon.Config(**PLAIN))
    first.save(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    second = icon.run(icon.Config(seed=1, **PLAIN))
    full_disk(3000)
    with pytest.raises(SaveError, match="free some space"):
        second.save(tmp_path / "run", overwrite=True)
    mend(limits)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert icon.load(tmp_path / "run").config.seed == 0


def test_a_disk_that_fills_during_a_run_gives_the_results_with_the_error(tmp_path, full_disk):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(record, recorder):
        if record.epoch == 1:
            full_disk(1000)

    with pytest.raises(SaveError) as caught:
        icon.run(icon.Config(**{**PLAIN, "epochs": 4}), save_to=tmp_path / "run", on_record=fill)
    mend(limits)
    assert caught.value.results.trajectory.n_frames >= 2
    with pytest.raises(LoadError, match="not finished"):
        icon.load(tmp_path / "run")
    again = icon.run(icon.Config(**{**PLAIN, "epochs": 4}), save_to=tmp_path / "run", resume=True)
    assert np.array_equal(again.embeddings, icon.run(icon.Config(**{**PLAIN, "epochs": 4})).embeddings)
    assert not list((tmp_path / "run").rglob("*.tmp"))


def as_nobody(act):
    """Do something in a child without the rights of root; returns what it printed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            answer = act()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(write, str(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def test_a_folder_that_cannot_be_written_is_named_and_the_results_are_there(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents):
        if parent != Path("/") and parent.owner() == Path.home().owner() and os.access(parent, os.W_OK):
            parent.chmod(parent.stat().st_mode | 0o055)
        if parent.name.startswith("pytest-of"):
            break
    run = icon.run(icon.Config(**PLAIN))

    def save():
        try:
            run.save(closed / "run")
        except SaveError as error:
            return f"SaveError: {error}, {run.embeddings.shape}"

    said = as_nobody(save)
    assert said.startswith("SaveError: could not write"), said
    assert str(closed) in said
    assert said.endswith("(40, 4)")
    assert not list(closed.iterdir())


def test_a_clock_that_jumps_back_harms_nothing(tmp_path, monkeypatch):
    real, jumps = time.time, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: real() - 1e6 * next(jumps))
    run = icon.run(icon.Config(**PLAIN), save_to=tmp_path / "run")
    assert all(seconds >= 0 for seconds in run.history["seconds"])
    assert icon.load(tmp_path / "run").status == "complete"


# What people write


@pytest.mark.filterwarnings("ignore:Glyph")  # the font of the pictures does not have every character
@pytest.mark.parametrize("name", ["../../x", "<script>alert(1)</script>", "a/b\\c", "..", "\u202eevil", "日本語 名前", "x" * 300])
def test_names_stay_inside_and_are_escaped(name, tmp_path):
    from icon_nb.study.folders.outputs import new_folder

    config = icon.Config(run_name=name, output_dir=str(tmp_path / "runs"), **PLAIN)
    folder = new_folder(config.resolve())
    assert folder.resolve().parent == (tmp_path / "runs").resolve()
    data = (np.random.default_rng(0).normal(size=(40, 5)), np.array([name, "other"])[np.arange(40) % 2])
    run = icon.run(icon.Config(method="cross_entropy", run_name=name, epochs=1, quiet=True), data=data)
    page = run.player().save(tmp_path / "page.html").read_text(encoding="utf-8")
    for html in (run._repr_html_(), page):
        assert "<script>alert(1)" not in html
