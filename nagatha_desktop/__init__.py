"""The Qt program in front of the engine: tray, windows and what is theirs. Knows no storage."""
