"""Tastes: implicit ALS, top-K recommendations, similar products and their ranking quality."""
