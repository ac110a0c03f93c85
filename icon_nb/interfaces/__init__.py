"""For people: the command line, the widgets of a notebook, and the scikit-learn estimator."""
