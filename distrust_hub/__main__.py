"""``python -m distrust_hub`` is the ``distrust-hub`` command."""

from distrust_hub.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
