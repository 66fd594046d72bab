"""Plug-ins: found, loaded, watched."""
