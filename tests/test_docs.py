"""The documentation cannot drift: what can be generated is, every command and page is named, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_page_is_up_to_date(generate: ModuleType) -> None:
    assert (ROOT / "docs/settings.md").read_text("utf-8") == generate.settings_page(), "run `make docs`"


def test_the_readme_names_every_command(generate: ModuleType) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert text == generate.readme(text), "run `make docs`"


def test_every_command_and_setting_is_explained(generate: ModuleType) -> None:
    assert [name for name, help_ in generate.commands() if not help_] == []
    assert "| None |" not in generate.settings_page() and "|  |\n" not in generate.settings_page()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = re.findall(
        r"\]\((?!https?:|mailto:|#)([^)#\s]+)", re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
    )
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_of_the_docs_can_be_found_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in readme] == []
