"""The bundled broker held against the tests of Celery and kombu, beside a real Redis.

`make peer-suite` runs it. Nothing of those tests is kept in this project: they are taken from the
source distributions of the installed versions when they are run.
"""
