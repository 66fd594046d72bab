"""The storage in one SQLite file: the default.

Owns the file, its tables, its backups and its repair. `SqliteStorage` is in `store`; the
features, a file each, are functions that run inside a transaction.
"""
