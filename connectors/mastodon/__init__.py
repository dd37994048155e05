"""Mastodon as a customer channel: mentions in public, direct messages in private."""
