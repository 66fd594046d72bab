"""Plug-ins: found, loaded, watched. Whatever a module does wrong disables it and nothing else."""
