"""The periodic table as a thing to look at: pages for a notebook, plain text, and Markdown. Loads no torch."""

from __future__ import annotations
