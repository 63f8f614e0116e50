"""heedful: watches a brand's comments everywhere, so that nobody is left unanswered and no mistake goes unnoticed."""
