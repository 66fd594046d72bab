"""Celery's side: ids in, a use case called."""
