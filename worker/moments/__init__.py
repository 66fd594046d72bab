"""Times as people mean them: recurrence, phrases, words, and calendar files."""
