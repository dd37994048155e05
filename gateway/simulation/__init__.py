"""Plays a script of messages, agents and waiting through the real path: simulated clock, recorders for channels."""
