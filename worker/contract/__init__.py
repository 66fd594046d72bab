"""What the engine promises: value types, events, errors, one Protocol a feature, modules.

Owns the words that windows, the command line, HTTP and modules share with the engine. It
must not know how anything is done: it imports the standard library only.
"""
