"""The operating system: one program at a time, start at login, keys, notifications, displays."""
