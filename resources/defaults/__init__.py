"""Default settings, for people to copy from. Data, no code."""
