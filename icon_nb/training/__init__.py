"""z = f(x): the networks, where they start, what the candidates are, the optimizers, and the loop.

What is recorded on the way, and what is kept of it, is study's.
"""
