assert set(checked) == set(icon.methods.METHODS)
assert all(abs(line - loss) < 1e-6 for lines, loss in checked.values() for line in lines)
assert all(len(lines) == 3 for lines, _ in checked.values())
one_neighbour = [name for name in ("simclr", "moco", "clip", "cross_entropy", "mlm") if all(max(row) == 1 for row in six(name)[0])]
assert len(one_neighbour) == 5
assert abs(six("clip")[2] - six("cmc")[2]) < 1e-12 and abs(six("pmi")[2] - six("dcd")[2]) < 1e-12 and six("vicreg")[2] < 0
