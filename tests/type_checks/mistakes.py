"""Mistakes that a type checker must find: every line that ends in ``# error`` is one."""

import icon_nb as icon

icon.Config(tempreature=0.1)  # error
icon.Config(method=3)  # error
icon.Confg()  # error
icon.run(config="simclr")  # error
icon.Recorder(max_points="many")  # error
icon.run(icon.Config(), lives=True).animat()  # error
