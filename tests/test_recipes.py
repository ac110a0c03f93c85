"""Recipes: overrides hold, and only what is compared differs."""

import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.methods.recipes import RECIPES, grid


def test_overrides_reach_every_config():
    configs = icon.recipe("simclr_vs_sne", temperature=0.15, embedding_dim=32)
    assert [config.method for config in configs] == ["simclr", "sne"]
    for config in (*configs, *(config.resolve() for config in configs)):
        assert (config.temperature, config.embedding_dim) == (0.15, 32)
        assert config.sources["temperature"] == "keyword"


def test_an_override_that_one_config_cannot_use_goes_to_the_others():
    simclr, sne = icon.recipe("simclr_vs_sne", perplexity=5.0)
    assert (simclr.perplexity, sne.perplexity) == (None, 5.0)


def test_an_override_that_no_config_uses_is_an_error():
    with pytest.raises(ConfigError, match="momentum has no effect"):
        icon.recipe("simclr_vs_sne", momentum=0.5)


def test_a_varied_setting_cannot_be_overridden():
    with pytest.raises(ConfigError, match="varies method"):
        icon.recipe("simclr_vs_sne", method="tsne")


def test_unknown_names_give_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'simclr_vs_sne'"):
        icon.recipe("simclr_vs_sme")
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        icon.recipe("simclr_vs_sne", epoch=3)


MADE_OF = {"supervisory", "learned"}  # a method is its p and its q


@pytest.mark.parametrize("name", RECIPES)
def test_only_what_is_compared_differs(name):
    chosen = RECIPES[name]
    resolved = [config.resolve().to_dict() for config in icon.recipe(name)]
    differing = {key for each in resolved for key in each if any(other.get(key) != each[key] for other in resolved)}
    assert set(chosen.compared) <= differing
    assert differing <= {*chosen.compared, *chosen.follows} | (MADE_OF if "method" in chosen.compared else set())


@pytest.mark.parametrize("name", RECIPES)
def test_an_override_reaches_every_config_and_every_question_is_asked(name):
    configs = icon.recipe(name, epochs=3, seed=7, dataset="mnist", data_dir="somewhere", n_samples=200)
    assert len(configs) == len(RECIPES[name].varies) >= 2
    for config in configs:
        assert (config.epochs, config.seed, config.dataset, config.n_samples) == (3, 7, "mnist", 200)
    assert RECIPES[name].question.endswith("?")


@pytest.mark.parametrize("name", RECIPES)
def test_every_varied_setting_is_refused_as_an_override(name):
    for setting in RECIPES[name].compared:
        with pytest.raises(ConfigError, match=f"{name}' varies {setting}"):
            icon.recipe(name, **{setting: RECIPES[name].varies[0].get(setting, 1.0)})


def test_what_a_recipe_shares_gives_way_to_an_override():
    assert {config.method for config in icon.recipe("temperature_sweep", method="sne")} == {"sne"}
    table = icon.recipe("full_comparison", batch_size=64)
    assert {config.batch_size for config in table} == {64}


def test_what_a_recipe_shares_is_left_out_where_it_has_no_effect():
    maps = icon.recipe("kernel_comparison", backbone="mlp")
    assert {config.resolve().backbone for config in maps} == {"mlp"}
    (first, *_) = icon.recipe("dimension_sweep", method="tsne", backbone="table", epochs=5)
    assert first.resolve().backbone == "table"


def test_a_grid_has_one_config_per_combination():
    configs = grid(icon.Config(), {"temperature": [0.1, 0.5], "seed": range(3)})
    assert [(config.temperature, config.seed) for config in configs] == [(t, s) for t in (0.1, 0.5) for s in range(3)]


def test_the_kernel_comparison_teaches_that_heavy_tails_part_the_classes():
    digits, nmi = icon.data.load("digits", whole=True), []
    for seed in range(5):
        some = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))[:400]
        light, middle, heavy = (
            icon.run(config, data=(digits.x[some].numpy(), digits.y[some].numpy()), progress=False)
            for config in icon.recipe("kernel_comparison", seed=seed, quiet=True, probe=False)
        )
        assert light.config.init == middle.config.init == heavy.config.init == "pca"
        assert light.history["loss"][-1] > middle.history["loss"][-1] > heavy.history["loss"][-1]
        assert light.scores["separability"] < heavy.scores["separability"]
        nmi.append((light.scores["nmi"], heavy.scores["nmi"]))
    light, heavy = torch.tensor(nmi).mean(0).tolist()
    assert light < heavy
