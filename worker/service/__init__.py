"""The use cases, one file a Protocol."""
