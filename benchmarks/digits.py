"""The default run on the bundled digits, ten epochs and the animation, against scikit-learn's logistic regression on them."""

from __future__ import annotations

import icon_nb as icon
from benchmarks.harness import alternate, clock, report, summary

TARGETS = {"run_and_animation_s": "at most 0.8, warm", "over_recording": "share of the time that recording and drawing add"}


def run(quick: bool = False) -> dict:
    """Measure and report."""
    from sklearn.linear_model import LogisticRegression

    data = icon.data.load("digits")
    x, y = data.flat(data.x).numpy(), data.y.numpy()

    def ours():
        icon.run(dataset="digits", quiet=True)._repr_mimebundle_()

    def peer():
        LogisticRegression(max_iter=1000).fit(x, y)

    n = 2 if quick else 7
    ours()
    by_itself = summary([clock(ours) for _ in range(n)])  # as a notebook runs it: no other library's threads are waking beside it
    timed = alternate(ours, peer, n=n)
    digits, rarely = {"dataset": "digits", "quiet": True}, {"record_every": 10, "max_points": 2}
    alone = alternate(lambda: icon.run(**digits), lambda: icon.run(**digits, **rarely), n=n)
    figures = {
        "run_and_animation": by_itself,
        "run_and_animation_s": by_itself["median_s"],
        "logistic_regression_over_run_and_animation": timed,
        "recorded_rarely_over_run": alone,
        "over_recording": alone["ours"]["median_s"] / alone["peer"]["median_s"] - 1,
    }
    report("digits", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
