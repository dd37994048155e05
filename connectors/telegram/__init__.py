"""Telegram as a customers' channel; see docs/telegram.md."""
