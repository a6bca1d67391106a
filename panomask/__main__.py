"""Lets `python -m panomask` be the panomask command."""

from .cli import main

if __name__ == "__main__":
    main()
