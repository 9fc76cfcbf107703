"""Run as `python -m audiform`."""

from audiform.cli.main import main

if __name__ == "__main__":
    main()
