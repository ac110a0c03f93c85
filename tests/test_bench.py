"""The bench: its mathematics in node where node is at hand, and the page as an object and a file."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files

import bench_cases as cases
import pytest
import torch
from torch import nn

import icon_nb as icon
from icon_nb.animation.bench import contents
from icon_nb.errors import ConfigError
from icon_nb.evaluation.scores import knn_accuracy
from icon_nb.interfaces.cli import main
from icon_nb.training.candidates import orthonormalise
from icon_nb.training.optimizers import Gains

MATH = files("icon_nb.animation") / "bench_files" / "bench_math.js"
node = pytest.mark.skipif(shutil.which("node") is None, reason="node is missing, which runs the page's script by itself")
torch_double = {"dtype": torch.float64}


def in_node(code: str, given) -> object:
    """The value of a JavaScript function of one argument, with the page's mathematics as ``math``."""
    script = f"const math = require({json.dumps(str(MATH))}); const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    script += f"process.stdout.write(JSON.stringify(({code})(given), (_, v) => v === Infinity ? 'inf' : v));"
    done = subprocess.run(["node", "-e", script], input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random(*shape, seed=0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), **torch_double)


@node
def test_every_pair_and_divergence_is_the_packages():
    configs = cases.configs()
    told = in_node(cases.ASK, [cases.question(config) for config in configs])
    for config, said in zip(configs, told):
        cases.check(config, said)


def network(sizes: list[int]) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [part for a, b in zip(sizes, sizes[1:]) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1]).double()


def flat(parameters) -> torch.Tensor:
    return torch.cat([each.flatten() for each in parameters])


@node
@pytest.mark.parametrize("sizes", [[6, 2], [6, 8, 8, 3]])
def test_the_network_and_its_gradient_are_torchs(sizes):
    x, by_z, net = random(5, 6), random(5, sizes[-1], seed=1), network(sizes)
    z = net(x)
    z.backward(by_z)
    code = """({ sizes, weights, x, byZ }) => {
      const net = new math.Network(sizes, 7, Math.random);
      net.weights.set(weights); net.a[0].set(x);
      return { z: Array.from(net.forward(5)).slice(0, byZ.length), gradient: Array.from(net.backward(byZ, 5)) };
    }"""
    weights = flat(net.parameters()).tolist()
    said = in_node(code, {"sizes": sizes, "weights": weights, "x": cases.flat(x), "byZ": cases.flat(by_z)})
    assert torch.allclose(torch.tensor(said["z"], **torch_double), z.flatten(), rtol=1e-9)
    gradient = flat(each.grad for each in net.parameters())
    assert torch.allclose(torch.tensor(said["gradient"], **torch_double), gradient, rtol=1e-9, atol=1e-12)


@node
def test_a_linear_map_is_made_orthonormal_as_in_the_package():
    net = network([6, 3])
    code = "(weights) => { const net = new math.Network([6, 3], 1, Math.random); net.weights.set(weights);"
    code += "math.orthonormalise(net); return Array.from(net.weights); }"
    said = in_node(code, flat(net.parameters()).tolist())
    model = nn.Module()
    model.backbone = net
    with torch.no_grad():
        orthonormalise(model)
    assert torch.allclose(torch.tensor(said, **torch_double), flat(net.parameters()), rtol=1e-9)


@node
@pytest.mark.parametrize("name", ["gains", "sgd", "adam"])
def test_the_optimizers_are_the_packages(name):
    target, settings = random(4, 2, seed=1), {"learning_rate": 0.005, "momentum": 0.8}
    point = nn.Parameter(random(4, 2))
    start = cases.flat(point.detach())
    made = {
        "gains": lambda: Gains([point], lr=0.005, momentum=0.8),
        "sgd": lambda: torch.optim.SGD([point], lr=0.005, momentum=0.8),
        "adam": lambda: torch.optim.Adam([point], lr=0.005),
    }[name]()
    for _ in range(20):
        made.zero_grad()
        (point - target).pow(4).sum().backward()
        made.step()
    code = """({ name, start, target, settings }) => {
      const z = Float64Array.from(start), memory = math.optimizerMemory(z.length);
      for (let k = 0; k < 20; k++) math.OPTIMIZERS[name](z, z.map((v, i) => 4 * (v - target[i]) ** 3), memory, settings, 4);
      return Array.from(z);
    }"""
    said = in_node(code, {"name": name, "start": start, "target": cases.flat(target), "settings": settings})
    assert torch.allclose(torch.tensor(said, **torch_double), point.detach().flatten(), rtol=1e-6)


@node
@pytest.mark.parametrize("seed", range(3))
def test_nearest_neighbours_vote_as_in_the_package(seed):
    z, y = random(40, 2, seed=seed), torch.arange(40) % 3
    z = z + y[:, None]
    said = in_node("({ z, y }) => math.knnAccuracy(z, 40, 2, y)", {"z": cases.flat(z), "y": y.tolist()})
    assert said == pytest.approx(knn_accuracy(z, y, metric="euclidean"))


def test_the_page_is_small_and_asks_for_nothing(tmp_path):
    page = icon.bench()
    text = page.save(tmp_path / "bench").read_text(encoding="utf-8")
    assert page.html == text
    assert len(text.encode()) < 600_000
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_the_script_is_read_in_an_hour():
    assert len(MATH.read_text(encoding="utf-8").splitlines()) <= 600


def test_a_notebook_shows_it_in_a_frame():
    page = icon.bench(method="simclr", temperature=0.1)
    assert repr(page) == f"BenchPage(simclr on digits, {len(page.html.encode()) / 1e6:.2f} MB)"
    shown = page._repr_mimebundle_()
    assert shown["text/plain"] == repr(page)
    assert shown["text/html"].startswith('<iframe title="I-Con bench: simclr on digits" sandbox="allow-scripts"')


def test_it_starts_where_the_caller_says():
    html = icon.bench(supervisory="knn", learned="student_t", df=3.0, dataset="two_moons").html
    told = json.loads(html.split('id="contents">')[1].split("</script>")[0])
    assert told["start"] == {"p": "knn", "q": "student_t", "df": 3.0, "data": "two_moons"}


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"dataset": "two_moon"}, "two_moons"),
        ({"epochs": 3}, "epochs has no effect on the bench"),
        ({"method": "clip"}, "cross_modal"),
        ({"methd": "sne"}, "method"),
        ({"method": "pca", "temperature": 1.0}, "temperature has no effect"),
    ],
)
def test_what_cannot_be_is_refused(start, words):
    with pytest.raises(ConfigError, match=words):
        icon.bench(**start)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="use .html"):
        icon.bench().save(tmp_path / "bench.gif")


def test_every_pair_of_the_page_has_settings_or_a_reason():
    for name, pair in contents()["pairs"].items():
        assert "why" in pair or isinstance(pair["starts"][pair["backbone"]], dict), name


def test_the_command_writes_it(tmp_path, capsys):
    assert main(["bench", "--out", str(tmp_path / "b.html"), "--method", "simclr"]) == 0
    assert "simclr on digits" in capsys.readouterr().out
    assert (tmp_path / "b.html").stat().st_size > 100_000
