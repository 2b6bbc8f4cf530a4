"""``python -m feitian_sim`` is the `feitian` command."""

from feitian_sim.cli.main import main

if __name__ == "__main__":
    main()
