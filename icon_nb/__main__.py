"""``python -m icon_nb`` is the same as ``icon-nb``."""

from .interfaces.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
