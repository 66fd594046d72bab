"""The headless engine: everything that Nagatha does without a window."""

__version__ = "0.1.0"
