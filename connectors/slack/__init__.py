"""Slack as the agents' desk: cards in a queue's channel, notes in their threads, forms for replies."""
