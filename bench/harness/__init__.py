"""What scripts/bench runs: sections that measure, and the report of what they found."""
