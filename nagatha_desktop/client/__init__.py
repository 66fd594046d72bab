"""The one thing that windows talk to: the engine in this process, or one elsewhere by HTTP."""
