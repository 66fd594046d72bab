"""The window of reminders: what is to be remembered when, what was missed, and what is done."""
