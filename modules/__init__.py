"""The modules that come along, a folder each. A module knows worker.contract and nothing else."""
