"""Planted bugs: each must be found by a check. The platform knows nothing of them."""
