"""The human half: the order in which texts are looked at, and what was decided."""
