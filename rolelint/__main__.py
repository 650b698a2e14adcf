"""Run rolelint as `python -m rolelint`."""

from rolelint.cli import main

if __name__ == "__main__":
    main()
