"""Measurements, run by hand and never by a test: `python -m bench.morning`.

They use the program as it is (its services, its engine, its store) and the sample editions and the
newsroom of `tests/`. A figure means little by itself on a machine that others use too, so each comes
with how many cores others kept busy meanwhile, and claims about speed are ratios from one run.
"""
