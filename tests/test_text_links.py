"""Links between articles lead to pages of the help centre."""

import pytest

from gateway.text.links import to_pages


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("see [it](track-order.md)", "see [it](https://h.example/help/en/track-order)"),
        ("[it](./track-order.md#late)", "[it](https://h.example/help/en/track-order#late)"),
        ("[tu](track-order.sl.md)", "[tu](https://h.example/help/sl/track-order)"),
        ("[it](track-order.zh-Hant.md)", "[it](https://h.example/help/zh-Hant/track-order)"),
        ("[out](https://example.com/a.md)", "[out](https://example.com/a.md)"),
        ("a (note.md) in prose", "a (note.md) in prose"),
    ],
)
def test_links_to_articles_become_addresses(markdown: str, expected: str) -> None:
    assert to_pages(markdown, "en", "https://h.example") == expected
