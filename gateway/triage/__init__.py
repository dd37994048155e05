"""What a message is and who gets it: the gate, the moods and the rules. Pure but for the file of rules."""
