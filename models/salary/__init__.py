"""Estimate salaries with a feed-forward network."""
