"""The figures of the README, measured: `python -m tests.bench.run`."""
