"""Reads walked heaps: which holders grow, who drives them, and what no root reaches."""
