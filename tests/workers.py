"""How the tests are shared out among several workers (`make unit`): by file, the long ones first.

Whatever starts, freezes and kills whole programs is one piece: two of those at once would starve each other.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override
from xdist.scheduler import LoadFileScheduling

PROGRAMS = "whole programs"
_PROGRAMS = frozenset({"tests/test_faults.py", "tests/test_kill.py", "tests/test_replicas.py"})
#: Begun first, so that no worker sits idle at the end while another has one of them left.
_LONG = (
    PROGRAMS,
    "tests/test_web_browser.py",
    "tests/connectors/test_api.py",
    "tests/connectors/test_email_servers.py",
    "tests/connectors/test_email_doctor.py",
    "tests/test_story_slack.py",
    "tests/test_story_telegram.py",
    "tests/test_story_mail.py",
    "tests/test_story.py",
    "tests/test_init.py",
    "tests/test_knowledge.py",
)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """The tests of a file run on one worker, which starts its servers and its browser once."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return PROGRAMS if file in _PROGRAMS else file

    @override
    def _assign_work_unit(self, node: Any) -> None:
        for piece in _LONG:
            if piece in self.workqueue:
                self.workqueue.move_to_end(piece, last=False)
                break
        super()._assign_work_unit(node)
