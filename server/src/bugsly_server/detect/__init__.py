"""Judgement of memory: pure functions over values.

The order to read: blocks, trend, growth, fleet, pool, forecast, finding, lifecycle.
"""
