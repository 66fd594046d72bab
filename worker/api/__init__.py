"""HTTP: the published paths and the routes made from the Protocols."""
