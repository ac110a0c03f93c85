"""The experiments behind the headlines of the notebooks: one factor at a time, five seeds, mean and spread.

``python -m benchmarks.claims`` lists them, ``python -m benchmarks.claims NAME`` runs one and writes its figures to
``benchmarks/claims/figures/NAME.json``, and ``python -m benchmarks.claims --tables`` writes the figures into the notebooks.
"""
