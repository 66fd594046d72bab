"""The headless engine: everything that Nagatha does without a window."""
