"""The names of the data sets and of the backbones, readable without torch (``--help`` needs them)."""

from __future__ import annotations

DATASETS = {
    "digits": "1,797 handwritten digits of 8x8 pixels, bundled with scikit-learn (1,297 train, 500 test)",
    "mnist": "60,000 handwritten digits of 28x28 pixels, 10,000 test",
    "fashion_mnist": "60,000 pictures of clothes of 28x28 pixels, 10,000 test",
    "cifar10": "50,000 colour pictures of 32x32 pixels in 10 classes, 10,000 test",
    "cifar100": "50,000 colour pictures of 32x32 pixels in 100 classes, 10,000 test",
    "cifar10_subset": "a part of CIFAR-10 in one file, cifar10_subset.npz, found in data_dir",
    "stl10": "5,000 colour pictures of 96x96 pixels in 10 classes, 8,000 test",
}
"""Name of each data set -> one line about it."""

BACKBONES = {
    "table": "a free point per sample, no network: the embedding itself is learned",
    "linear": "one linear map of the flattened input",
    "mlp": "two hidden layers on the flattened input",
    "simplecnn": "four 3x3 convolutions and a linear layer, for images of any size",
    "resnet18": "torchvision's ResNet-18, with a small-image stem up to 64x64 pixels",
    "resnet34": "torchvision's ResNet-34, with a small-image stem up to 64x64 pixels",
    "resnet50": "torchvision's ResNet-50, with a small-image stem up to 64x64 pixels",
}
"""Name of each backbone -> one line about it."""
