"""The 62 sequence tasks of "Opening the AI black box" (arXiv 2402.05110) as trained networks."""
