"""The periodic table as plain data: its axes, its cells, and how a Config is resolved. Loads no torch."""
