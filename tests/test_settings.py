"""Settings: every mistake at once, each with file, key and remedy; the environment over the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts import accounts
from gateway.errors import SettingsError
from gateway.settings import Settings, is_loopback, load, secret_values
from gateway.startup import read_settings

MAIL = '[connectors.email.support]\naddress = "support@example.com"\n'
SLACK = {
    "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": "xoxb-1",
    "DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET": "s3cret",
}


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    """What a start says about this file and this environment."""
    with pytest.raises(SettingsError) as caught:
        read_settings(write(folder, text), environ)
    return caught.value.problems


# ---------------------------------------------------------------- what is right


def test_an_empty_file_is_enough(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""), {})
    assert settings == Settings()
    assert (settings.default_queue, settings.protected_queue) == ("general", "")


def test_the_shipped_file_is_right(tmp_path: Path) -> None:
    settings, found = read_settings(Path(__file__).parents[1] / "config.toml", {})
    assert settings.protected_queue == "protected"
    assert [account.key for account in found] == ["webchat/site", "email/support"]
    assert all(account.loopback(settings.server.host) for account in found)


def test_the_revision_names_what_decisions_depend_on(tmp_path: Path) -> None:
    plain = load(write(tmp_path, ""), {}).revision
    assert load(write(tmp_path, "[bot]\nmax_answers = 4\n"), {}).revision != plain
    assert load(write(tmp_path, '[store]\ndatabase = "sqlite:///x.db"\n'), {}).revision == plain
    assert load(write(tmp_path, MAIL), {}).revision == plain


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("[site]\ncompnay = 'X'", "site.compnay is no setting", "Did you mean company?"),
        ("[sight]\ncompany = 'X'", "sight is no setting", "Did you mean site?"),
        ("[server]\nhots = 'x'", "server.hots is no setting", "Did you mean host?"),
        (
            "[bot]\nwhatever = 1",
            "bot.whatever is no setting",
            "Known here: mode, accounts, articles, semantic, max_answers.",
        ),
        ("[queues.general]\ntitel = 'A'\ndefault = true", "queues.general.titel", "Did you mean title?"),
        ("[queues.general]\ndefault = true", "queues.general.title is missing", "Add it."),
        ("[server]\nport = 70000", "server.port", "less than or equal to 65535. Change it."),
        ("[server]\nport = 'http'", "server.port", "Change it."),
        ("[desk]\nundo_seconds = -1", "desk.undo_seconds", "Change it."),
        ("[site]\ncompany = ''", "site.company", "at least 1 character. Change it."),
        (
            "[site]\npublic_url = 'help.example.com'",
            "site.public_url",
            'must be like "https://help.example.com"',
        ),
        ("[site]\npublic_url = 'https://example.com/help'", "site.public_url", "without a path"),
        ("[site]\npublic_url = 'ftp://example.com'", "site.public_url", "Change it."),
        ("[store]\ndatabase = 'mysql://x'", "store.database", '"sqlite:///" or "postgresql://"'),
        ("[queues.a]\ntitle = 'A'", "[queues]", "exactly one queue needs default = true, now it is none"),
        (
            "[queues.a]\ntitle = 'A'\ndefault = true\n[queues.b]\ntitle = 'B'\ndefault = true",
            "[queues]",
            "now it is ['a', 'b']",
        ),
        ("[site\n", "not valid TOML", "Mend that line."),
        ("[connectors.emial.support]\naddress = 'a@example.com'", "connectors.emial", "Did you mean email?"),
        ("[connectors.pigeon.loft]\n", "connectors.pigeon is no channel", "Known: webchat, email, slack"),
        ("[connectors.email.support]\n", "connectors.email.support.address is missing", "Add it."),
        (MAIL + "adress = 'x'", "connectors.email.support.adress is no setting", "Did you mean address?"),
        (
            MAIL + "queue = 'ordres'",
            "connectors.email.support.queue",
            "there is no queue 'ordres'. Choose one of",
        ),
        (
            "[connectors.slack.main]\nteam_id = 'T1'",
            "connectors.slack.main.bot_token is missing",
            "Set DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN in the environment.",
        ),
        (
            "[queues.general]\ntitle = 'A'\ndefault = true\nslack_channel = 'C1'",
            "queues.general.slack_channel needs a Slack account",
            "Add [connectors.slack.main].",
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_and_remedy(
    tmp_path: Path, text: str, key: str, remedy: str
) -> None:
    found = problems(tmp_path, text)
    assert all(str(tmp_path / "config.toml") in problem for problem in found)
    assert any(key in problem and remedy in problem for problem in found), found


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = """
        [site]
        compnay = "X"
        public_url = "nowhere"
        [server]
        port = -1
        [bot]
        max_answers = 0
        [queues.general]
        default = true
        [connectors.slack.main]
        bot_token = "xoxb-1"
    """
    found = problems(tmp_path, text, DESKGATE_SLCK__TOKEN="x")
    for part in (
        *("site.compnay", "site.public_url", "server.port", "bot.max_answers", "queues.general.title"),
        *("connectors.slack.main.bot_token is a secret", "DESKGATE_SLCK__TOKEN"),
    ):
        assert sum(part in problem for problem in found) == 1, part


def test_every_mistake_of_every_account_is_named_at_once(tmp_path: Path) -> None:
    text = """
        [connectors.email.support]
        adress = "support@example.com"
        [connectors.webchat.site]
        queue = "nowhere"
        [connectors.slack.main]
        api_url = "http://slack.example.com"
        [connectors.emial.x]
    """
    found = " ".join(problems(tmp_path, text))
    for part in (
        "support.adress",
        "support.address is missing",
        "'nowhere'",
        "main.api_url",
        "connectors.emial",
    ):
        assert part in found
    assert "main.bot_token is missing" in found


def test_a_mistake_in_a_section_hides_none_in_an_account(tmp_path: Path) -> None:
    found = problems(tmp_path, "[server]\nport = -1\n[connectors.email.support]\nadress = 'x'")
    assert any("server.port" in problem for problem in found)
    assert any("adress" in problem for problem in found)


def test_a_mistake_in_an_account_hides_no_missing_public_url(tmp_path: Path) -> None:
    found = problems(tmp_path, "[server]\nhost = '0.0.0.0'\n[connectors.webchat.site]\nqueue = 'x'")
    assert any("public_url" in problem for problem in found)


def test_a_file_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no such file\. .*--config FILE"):
        load(tmp_path / "nowhere.toml", {})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(tmp_path / "config.toml", {})


def test_customers_cannot_write_where_a_queue_shows_its_tickets(tmp_path: Path) -> None:
    text = (
        '[queues.general]\ntitle = "Care"\ndefault = true\nslack_channel = "C0DESK"\n'
        '[connectors.slack.main]\nsupport_channels = ["C0DESK"]\n'
    )
    secrets = {
        "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": "xoxb-1",
        "DESKGATE_CONNECTORS__SLACK__MAIN__APP_TOKEN": "xapp-1",
    }
    found = problems(tmp_path, text, **secrets)
    assert any("C0DESK shows the tickets of general" in problem for problem in found)


def test_slack_needs_a_way_in(tmp_path: Path) -> None:
    secrets = {"DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN": "xoxb-1"}
    (problem,) = problems(tmp_path, "[connectors.slack.main]\n", **secrets)
    assert "set app_token (Socket Mode" in problem and "signing_secret (HTTP)" in problem


# ---------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[connectors.slack.main]\nbot_token = 'xoxb-1'", "DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN"),
        ("[connectors.slack.main]\nsigning_secret = 's'", "DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET"),
        (MAIL + "smtp_password = 'p'", "DESKGATE_CONNECTORS__EMAIL__SUPPORT__SMTP_PASSWORD"),
        (MAIL + "imap_password = 'p'", "DESKGATE_CONNECTORS__EMAIL__SUPPORT__IMAP_PASSWORD"),
    ],
)
def test_a_secret_in_the_file_is_refused_with_the_name_of_its_variable(
    tmp_path: Path, text: str, name: str
) -> None:
    found = problems(tmp_path, text)
    assert any(f"is a secret and must not stand in the file. Set {name} instead." in p for p in found)
    assert not any("xoxb-1" in problem for problem in found)


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    _, (account,) = read_settings(
        write(tmp_path, "[site]\npublic_url = 'https://help.example.com'\n[connectors.slack.main]\n"), SLACK
    )
    assert sorted(secret_values(account.settings)) == ["s3cret", "xoxb-1"]
    assert "xoxb-1" not in repr(account.settings) and "s3cret" not in repr(account.settings)


def test_a_wrong_value_from_the_environment_is_blamed_on_its_variable(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "", DESKGATE_SERVER__PORT="many")
    assert "DESKGATE_SERVER__PORT" in problem


# ---------------------------------------------------------------- the environment


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path, "[server]\nport = 1\nhost = '127.0.0.2'\n[queues.Big]\ntitle = 'A'\ndefault = true"
    )
    settings = load(
        path,
        {
            "DESKGATE_SERVER__PORT": "9000",
            "DESKGATE_BOT__MODE": "suggest",
            "DESKGATE_QUEUES__BIG__TITLE": "B",
            "DESKGATE_STORE__DATABASE": "postgresql://u@db/x",
        },
    )
    assert (settings.server.port, settings.server.host) == (9000, "127.0.0.2")
    assert settings.bot.mode == "suggest"
    assert settings.queues["Big"].title == "B", "the environment knows no case, the file does"
    assert settings.store.database == "postgresql://u@db/x"


@pytest.mark.parametrize(
    "name",
    [
        "DESKGATE_SERVICE_HOST",
        "DESKGATE_SERVICE_PORT",
        "DESKGATE_SERVICE_PORT_HTTP",
        "DESKGATE_PORT",
        "DESKGATE_PORT_8080_TCP",
        "DESKGATE_PORT_8080_TCP_ADDR",
        "DESKGATE_KEY",
        "DESKGATE_OLD_KEYS",
        "DESKGATE_CONFIG",
        "PATH",
        "deskgate_site__company",
    ],
)
def test_names_that_are_no_settings_are_let_alone(tmp_path: Path, name: str) -> None:
    assert load(write(tmp_path, ""), {name: "tcp://10.0.0.1:8080"}) == Settings()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("DESKGATE_SLCK__X", "Unset it."),
        ("DESKGATE_SIGHT__COMPANY", "Did you mean DESKGATE_SITE__…?"),
        ("DESKGATE_CONNECTOR__SLACK__MAIN__BOT_TOKEN", "Did you mean DESKGATE_CONNECTORS__…?"),
        ("DESKGATE_SITE", "Did you mean DESKGATE_SITE__…?"),
        ("DESKGATE_COMPANY", "Unset it."),
        ("DESKGATE_", "Unset it."),
    ],
)
def test_a_name_that_leads_nowhere_is_a_mistake(tmp_path: Path, name: str, hint: str) -> None:
    (problem,) = problems(tmp_path, "", **{name: "x"})
    assert problem == f"environment: {name} is no setting of Deskgate. {hint}"


def test_a_typo_below_a_section_is_found_too(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "", DESKGATE_SITE__COMPNAY="x")
    assert "site.compnay is no setting. Did you mean company?" in problem


# ---------------------------------------------------------------- who can reach us


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("[server]\nhost = '0.0.0.0'\n[connectors.webchat.site]\n", "webchat/site"),
        ("[server]\nhost = '::'\n[connectors.webchat.site]\n", "webchat/site"),
        (MAIL + "imap_host = 'imap.example.com'", "email/support"),
        (MAIL + "smtp_host = 'smtp.example.com'", "email/support"),
        (MAIL + "listen = '0.0.0.0:25'", "email/support"),
    ],
)
@pytest.mark.parametrize("site", ["", "[site]\npublic_url = 'http://127.0.0.1:8080'\n"])
def test_beyond_loopback_a_public_address_is_required(tmp_path: Path, text: str, who: str, site: str) -> None:
    (problem,) = problems(tmp_path, site + text)
    assert (
        "site.public_url is required" in problem and who in problem and "https://help.example.com" in problem
    )


@pytest.mark.parametrize(
    "text",
    [
        "[connectors.webchat.site]\n",
        "[server]\nhost = 'localhost'\n[connectors.webchat.site]\n",
        "[server]\nhost = '::1'\n[connectors.webchat.site]\n",
        MAIL + "listen = '127.0.0.1:2525'\nsmtp_host = 'localhost'\nsmtp_security = 'none'",
        "[server]\nhost = '0.0.0.0'\n[site]\npublic_url = 'https://help.example.com/'\n[connectors.webchat.site]\n",
    ],
)
def test_on_loopback_or_with_a_public_address_it_starts(tmp_path: Path, text: str) -> None:
    settings, found = read_settings(write(tmp_path, text), {})
    assert len(found) == 1 and not settings.site.public_url.endswith("/")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")),
        *(
            (host, False)
            for host in ("", "0.0.0.0", "::", "10.0.0.1", "example.com", "127.0.0.1.example.com")
        ),
    ],
)
def test_what_means_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


# ---------------------------------------------------------------- queues and Slack


def test_with_two_slack_accounts_a_queue_says_which(tmp_path: Path) -> None:
    text = """
        [queues.general]
        title = "A"
        default = true
        slack_channel = "C1"
        [connectors.slack.main]
        [connectors.slack.second]
    """
    second = {name.replace("MAIN", "SECOND"): value for name, value in SLACK.items()}
    found = problems(tmp_path, text, **SLACK, **second)
    assert any("queues.general.slack_account must say which: main, second." in problem for problem in found)


def test_a_slack_account_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = "[queues.a]\ntitle = 'A'\ndefault = true\nslack_channel = 'C1'\nslack_account = 'mian'\n"
    found = problems(tmp_path, text + "[site]\npublic_url = 'https://help.example.com'\n", **SLACK)
    assert any("mian" in problem for problem in found)


def test_an_account_is_imported_only_when_it_is_enabled(tmp_path: Path) -> None:
    assert accounts(load(write(tmp_path, ""), {}), "config.toml") == []
