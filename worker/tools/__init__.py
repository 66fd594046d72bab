"""What the assistant may do."""
