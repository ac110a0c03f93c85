"""Figures measured beside a peer in the same run: ``python -m benchmarks`` lists them, ``python -m benchmarks NAME`` runs one."""
