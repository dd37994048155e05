"""What people see in a browser: start page, help centre and the agents' desk."""

from gateway.web.pages import attach
from gateway.web.site import Site

__all__ = ["Site", "attach"]
