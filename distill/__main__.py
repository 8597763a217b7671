"""`python -m distill` is the command line."""

from distill.cli import main

if __name__ == "__main__":
    main()
