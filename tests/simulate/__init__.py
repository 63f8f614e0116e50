"""A month of a busy brand, through a fake clock: `python -m tests.simulate`."""
