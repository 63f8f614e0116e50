"""A brand with years of comments on each platform: is it brought in whole, within the quota, and found late replies in?

`python -m tests.backfill` runs it at full size (200 posts, 20,000 comments) and prints a table; pytest at a small one.
"""
