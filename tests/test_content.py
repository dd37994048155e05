"""Content as one numbered revision: checked together, the same in every process, broken files never count."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.accounts import accounts
from gateway.app import Deskgate
from gateway.cli import main
from gateway.errors import SettingsError
from gateway.operations.content import Content, diff
from gateway.settings import Settings
from gateway.startup import published, standing
from gateway.store import Store
from gateway.store import revisions as stored
from gateway.store.revisions import Revision
from tests.fakes import ManualClock
from tests.running import settings_for
from tests.stores import open_stores

ARTICLE = """---
title: {title}
language: en
questions: [{title}]
---
{text}
"""
RULES = '[[rules]]\nname = "orders"\n[rules.when]\ntext = ["order"]\n[rules.then]\nqueue = "orders"\n'


THANKS = '[words]\nthanks = "{}"\n'


class Folder:
    """The files of an installation, and the settings that name them."""

    def __init__(self, path: Path, database: str) -> None:
        self.path, self.database = path, database
        for name in ("articles", "canned", "words"):
            (path / name).mkdir(parents=True)
        self.write(
            "articles/tracking.md", ARTICLE.format(title="Where is my order?", text="With the carrier.")
        )
        self.write("canned/hello.md", "---\ntitle: Hello\nlanguage: en\n---\nHello!\n")
        self.write("rules.toml", RULES)

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def settings(self, publish: str = "on_save") -> Settings:
        return settings_for(
            self.path, 0, store={"database": self.database}, bot={"articles": str(self.path / "articles")},
            desk={"canned": str(self.path / "canned")}, rules={"file": str(self.path / "rules.toml")},
            content={"publish": publish}, brand={"words": str(self.path / "words")},
        )  # fmt: skip

    async def start(self, publish: str = "on_save") -> Content:
        return await published(self.settings(publish), ManualClock())


@pytest.fixture
def folder(tmp_path: Path, database: str) -> Folder:
    return Folder(tmp_path / "here", database)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():
            await asyncio.sleep(0.02)


async def newest(store: Store) -> Revision:
    found = await store.driver.read(stored.current)
    assert found is not None
    return found


async def test_the_first_start_publishes_and_the_next_one_changes_nothing(folder: Folder) -> None:
    first = await folder.start()
    again = await folder.start()
    try:
        assert first.revision is not None and again.revision == first.revision and first.revision.id == 1
        assert (again.articles / "tracking.md").read_text().endswith("With the carrier.\n")
        assert again.rules is not None and again.rules.read_text() == RULES
        assert "words/en.toml" in first.revision.files and "canned/hello.md" in first.revision.files
    finally:
        first.close()
        again.close()


async def test_broken_files_at_a_start_leave_the_last_good_revision(folder: Folder) -> None:
    (await folder.start()).close()
    folder.write("rules.toml", '[[rules]]\nname = "x"\n[rules.then]\nqueue = "nowhere"\n')
    folder.write("articles/tracking.md", "no front matter")
    content = await folder.start()
    try:
        assert content.revision is not None and content.revision.id == 1
        assert (content.articles / "tracking.md").read_text().endswith("With the carrier.\n")
        said = "\n".join(content.problems)
        assert (
            str(folder.path / "articles" / "tracking.md") in said and str(folder.path / "rules.toml") in said
        )
        assert "nowhere" in said and "Revision 1 of" in said and "deskgate-check" not in said
    finally:
        content.close()


async def test_broken_files_at_the_very_first_start_are_refused(folder: Folder) -> None:
    folder.write("rules.toml", "nonsense =")
    with pytest.raises(SettingsError, match="no earlier revision"):
        await folder.start()


async def test_what_is_saved_counts_everywhere_and_what_is_broken_nowhere(folder: Folder) -> None:
    one, other = await folder.start(), await folder.start()
    elsewhere = Folder(
        folder.path.parent / "elsewhere", folder.database
    )  # another machine's copy of the files
    other._source = type(other._source)(elsewhere.settings())
    other._state = other._source.state()
    async with open_stores(folder.database, 2) as (a, b):
        clock = ManualClock()
        tasks = [asyncio.create_task(one.run(a, clock)), asyncio.create_task(other.run(b, clock))]
        try:
            folder.write(
                "articles/tracking.md", ARTICLE.format(title="Where is my order?", text="Look here.")
            )
            await until(lambda: (other.articles / "tracking.md").read_text().endswith("Look here.\n"))
            folder.write("articles/tracking.md", "---\ntitle:\n---\n")
            folder.write("canned/new.md", "---\ntitle: New\nlanguage: en\n---\nNew!\n")
            await until(lambda: bool(one.problems))
            assert (await newest(a)).id == 2 and not (other.canned / "new.md").exists()
            folder.write("articles/tracking.md", ARTICLE.format(title="Where is my order?", text="Mended."))
            await until(lambda: (other.canned / "new.md").exists())
            await until(lambda: one.problems == [])
            (folder.path / "canned" / "new.md").unlink()
            await until(lambda: not (other.canned / "new.md").exists())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            one.close()
            other.close()


async def test_a_machine_with_older_files_does_not_bring_them_back(folder: Folder) -> None:
    (await folder.start()).close()
    shutil.copytree(folder.path, folder.path.parent / "older")
    folder.write("articles/tracking.md", ARTICLE.format(title="Where is my order?", text="Newer."))
    (await folder.start()).close()
    stale = Folder.__new__(Folder)
    stale.path, stale.database = folder.path.parent / "older", folder.database
    content = await stale.start()
    try:
        assert content.revision is not None and content.revision.id == 2
        assert "those of revision 1, but revision 2 counts" in content.problems[0]
    finally:
        content.close()


async def test_publishing_by_command(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (await folder.start("command")).close()
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "{folder.database}"\n[bot]\narticles = "{folder.path}/articles"\n'
        f'[brand]\nwords = "{folder.path}/words"\n[desk]\ncanned = "{folder.path}/canned"\n'
        f'[rules]\nfile = "{folder.path}/rules.toml"\n'
        '[content]\npublish = "command"\n[queues.general]\ntitle = "G"\ndefault = true\n[queues.orders]\ntitle = "O"\n'
    )

    async def publish(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["publish", *arguments, "--config", str(config)])
        return code, "".join(capsys.readouterr())

    assert (await publish())[1].startswith("Nothing changes: revision 1")
    folder.write("articles/tracking.md", ARTICLE.format(title="Where is my order?", text="Look here."))
    waiting = await folder.start("command")
    assert (
        waiting.revision is not None
        and waiting.revision.id == 1
        and "not published yet" in waiting.problems[0]
    )
    waiting.close()
    folder.write("words/en.toml", THANKS.format("Any time."))
    code, said = await publish("--dry-run")
    assert code == 0 and "-With the carrier." in said and "+Look here." in said and "dry run" in said
    assert "+++ own_words/en.toml" in said and '+thanks = "Any time."' in said
    assert (await publish())[1].endswith("Revision 2 counts from now on.\n")
    code, said = await publish("--revert", "1")
    assert code == 0 and "-Look here." in said and "Revision 3 counts" in said
    assert '-thanks = "Any time."' in said
    assert (await publish("--revert", "77"))[0] == 1
    code, said = await publish("--list")
    assert "brings 1 back" in said and said.count("files, by") == 3
    folder.write("articles/tracking.md", "broken")
    assert (await publish())[0] == 1
    back = await folder.start("on_save")
    assert back.revision is not None and back.revision.id == 3
    back.close()


async def test_own_words_are_a_part_of_the_revision(folder: Folder) -> None:
    folder.write("words/en.toml", THANKS.format("Any time."))
    content = await folder.start()
    deskgate = Deskgate(folder.settings(), accounts(folder.settings(), "test"), environ={}, content=content)
    try:
        assert content.revision is not None and "own_words/en.toml" in content.revision.files
        before = deskgate.policy.revision
        assert deskgate.policy.words.say("en", "thanks") == "Any time."
        folder.write("words/en.toml", THANKS.format("{nobody} thanks"))
        async with open_stores(folder.database) as (store,):
            await content._saved(store, ManualClock())
            assert str(folder.path / "words" / "en.toml") in content.problems[0]
            assert (await newest(store)).id == 1
            folder.write("words/en.toml", THANKS.format("With pleasure."))
            folder.write("rules.toml", RULES.replace('"order"', '"parcel"'))
            await content._saved(store, ManualClock())
            await content._take(store, await newest(store))
        deskgate.wordbook.reload()
        deskgate.rulebook.reload()
        assert deskgate.policy.words.say("en", "thanks") == "With pleasure."
        assert deskgate.policy.rules.rules[0].when.text == ("parcel",)
        assert deskgate.policy.revision != before
        for part in (deskgate.host, deskgate.host._desk, deskgate.members):
            seen = part.policy if part is deskgate.host else part._policy
            assert seen is deskgate.policy, "what agents see and do goes by the rules and words of now"
    finally:
        deskgate.intake.close()
        content.close()


async def test_broken_own_words_at_a_start_leave_the_last_good_revision(folder: Folder) -> None:
    (await folder.start()).close()
    folder.write("words/de.toml", "[words")
    content = await folder.start()
    try:
        assert content.revision is not None and content.revision.id == 1
        assert content.words is not None and not list(content.words.iterdir())
        assert "de.toml: not valid TOML" in content.problems[0] and "Revision 1 of" in content.problems[0]
    finally:
        content.close()


async def test_commands_beside_serve_go_by_what_counts_whatever_lies_in_the_folders(folder: Folder) -> None:
    assert await standing(folder.settings()) is None, "nothing counts before the first start"
    (await folder.start()).close()
    folder.write("rules.toml", "nonsense =")
    folder.write("words/en.toml", "[words")
    content = await standing(folder.settings())
    assert content is not None and content.revision is not None and content.revision.id == 1
    deskgate = Deskgate(folder.settings(), accounts(folder.settings(), "test"), environ={}, content=content)
    assert [rule.name for rule in deskgate.policy.rules.rules] == ["orders"]
    deskgate.intake.close()
    content.close()


def test_a_diff_names_what_came_and_went() -> None:
    lines = diff({"a": b"one\n", "gone": b"x\n"}, {"a": b"two\n", "new": b"y\n"})
    assert "-one" in lines and "+two" in lines and "+++ (removed)" in lines and "--- (not there)" in lines
