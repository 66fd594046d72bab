"""One answer, from the question to the last token."""
