"""Celery's side: ids in, a use case called.

Owns which tasks exist under which published names. What they do is in `worker.service`.
"""
