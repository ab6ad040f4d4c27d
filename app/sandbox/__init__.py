"""A newsroom's own template, set where it can do no harm: a small language, a fork with limits, and checks of what
comes out. Knows no table.
"""
