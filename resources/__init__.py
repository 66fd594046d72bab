"""Icons and default settings. Data, no code."""
