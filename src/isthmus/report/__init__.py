"""Pictures and the HTML report: what a fitted model did, for people to look at."""
