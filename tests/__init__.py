"""Tests. A package, so that tests and benches can import tests.support from anywhere."""
