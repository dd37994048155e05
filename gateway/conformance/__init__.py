"""What every connector owes the core, as a suite that any package can run over its own; see docs/connectors.md.

    from gateway.conformance import Conformance

    class TestMyChannel(Conformance):
        @pytest.fixture
        async def door(self, tmp_path): ...

Needs pytest and pytest-asyncio with `asyncio_mode = "auto"`; nothing else of Deskgate's tests.
"""

from __future__ import annotations

from gateway.conformance.door import Cannot, Door, Refusal
from gateway.conformance.running import Served, free_port
from gateway.conformance.suite import Conformance

__all__ = ["Cannot", "Conformance", "Door", "Refusal", "Served", "free_port"]
