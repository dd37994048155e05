"""Web chat: a page and a widget for any site, over WebSocket with plain HTTP as the fallback."""

from connectors.webchat.connector import WebChat
from connectors.webchat.settings import Settings

__all__ = ["Settings", "WebChat"]
