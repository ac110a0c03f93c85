"""Where data comes from and what is done to it before a network sees it."""
