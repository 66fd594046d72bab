"""Alembic's environment: the steps from one version of the database to the next.

Alembic reads `env.py` and `versions/*.py` as files, by their path: a frozen program has to
carry them as data (PyInstaller: `collect_data_files(..., include_py_files=True)`).
"""
