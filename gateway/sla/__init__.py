"""What is promised and when it falls due: calendars, clocks and their sums. Pure."""
