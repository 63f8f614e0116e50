"""How the shipped weights are made: from public data sets, our own corpus and our own labels, and measured honestly."""
