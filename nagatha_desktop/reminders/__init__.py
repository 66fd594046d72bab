"""Reminders on the desktop."""
