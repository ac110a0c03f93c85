shares = {tau: float(row[2] / row[2:].sum()) for tau, row in rows.items()}
assert shares[0.05] > 0.99 and shares[5.0] < 0.35 and shares[0.05] > shares[0.2] > shares[1.0] > shares[5.0]
column = {name: [numbers[tau][name] for tau in taus] for name in numbers[0.1]}
assert column["uniformity"][1] < column["uniformity"][2] < column["uniformity"][3] - 0.4
assert column["uniformity"][0] > column["uniformity"][1] + 0.4
assert column["effective rank"][1] > column["effective rank"][2] > column["effective rank"][3]
assert column["alignment"][1] > column["alignment"][3]
assert column["kNN accuracy"][1] > column["kNN accuracy"][2] + 0.05 > column["kNN accuracy"][3] + 0.05
assert 0.5 < study[0].history["loss"][-1] < 0.9
assert mistakes[5.0][0] > mistakes[0.1][0] + 30
assert abs(gaps[1000.0][0]) < 0.002 and abs(gaps[10.0][0]) > 10 * abs(gaps[1000.0][0])
assert -1e-9 < gaps[0.01][1] < 0.01 * math.log(11) + 1e-9
assert abs(math.log(5) - 1.61) < 0.005
ahead = landscapes[0.05][40, 20], landscapes[0.5][40, 20]
assert ahead[0] < 1e-6 < 0.05 < ahead[1] and 0.5 < landscapes[5.0].min() < landscapes[5.0].max() < 0.92
