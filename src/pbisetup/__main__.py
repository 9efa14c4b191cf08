"""`python -m pbisetup`."""

from pbisetup.cli import main

if __name__ == "__main__":
    main()
