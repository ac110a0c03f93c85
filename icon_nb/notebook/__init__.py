"""What is live in a notebook: displays and the parts of the widgets."""
