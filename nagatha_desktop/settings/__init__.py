"""The settings window, its pages, and the page of the first start."""
