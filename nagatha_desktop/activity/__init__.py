"""The window of background work: what runs, waits, failed and is done, and what begins again."""
