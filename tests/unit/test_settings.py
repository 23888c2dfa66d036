"""Every knob, from the environment and from the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jrerank.errors import ConfigurationError
from jrerank.settings import DEFAULT_MODEL, Settings, default_cache_dir

# For each variable: what is set, what is read, and what is refused (None: any text will do)
VARIABLES: dict[str, tuple[str, object, str | None]] = {
    "model": ("bundled", "bundled", None),
    "revision": ("v1", "v1", None),
    "second_model": ("bundled", "bundled", None),
    "second_revision": ("v2", "v2", None),
    "second_depth": ("10", 10, "1"),
    "cache_dir": ("/var/cache/jrerank", Path("/var/cache/jrerank"), None),
    "engine": ("torch", "torch", "tensorrt"),
    "device": ("cuda:1", "cuda:1", None),
    "precision": ("fp32", "fp32", "int4"),
    "graph": ("prebuilt", "prebuilt", "optimum"),
    "max_tokens": ("1024", 1024, "15"),
    "window_tokens": ("128", 128, "15"),
    "workers": ("3", 3, "0"),
    "gate_max_score_shift": ("0.1", 0.1, "0"),
    "gate_max_inversion": ("0.2", 0.2, "-1"),
    "host": ("::1", "::1", None),
    "port": ("0", 0, "65536"),
    "api_keys": (" one, two ,,", ("one", "two"), None),
    "trusted_proxies": ("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1"), None),
    "max_connections": ("100", 100, "0"),
    "api_keys_file": ("/run/secrets/keys", Path("/run/secrets/keys"), None),
    "cors_origins": (" https://a.example, *,", ("https://a.example", "*"), None),
    "pgwire_port": ("0", 0, "-1"),
    "pgwire_tls_cert_file": ("/etc/tls/cert.pem", Path("/etc/tls/cert.pem"), None),
    "pgwire_tls_key_file": ("/etc/tls/key.pem", Path("/etc/tls/key.pem"), None),
    "pgwire_max_connections": ("7", 7, "0"),
    "timeout_ms": ("250", 250, "0"),
    "max_body_bytes": ("1000", 1000, "1 MB"),
    "max_open_body_bytes": ("1000", 1000, "0"),
    "max_documents": ("5", 5, "0"),
    "max_query_chars": ("5", 5, "-5"),
    "max_passage_chars": ("5", 5, "five"),
    "max_queued_tokens": ("5", 5, "1.5"),
    "cache_bytes": ("0", 0, "-1"),
    "token_cache_bytes": ("0", 0, "-1"),
    "drain_s": ("1", 1, "0"),
    "log_level": ("debug", "debug", "loud"),
    "log_format": ("console", "console", "xml"),
    "stores": ('{"a": {"kind": "postgres"}}', None, "{nope"),
}
REFUSED = {name: refused for name, (_, _, refused) in VARIABLES.items() if refused is not None}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("JRERANK_")]:
        monkeypatch.delenv(name)


def with_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    variable = f"JRERANK_{name.upper()}"
    monkeypatch.setenv(variable, value)
    return variable


def test_no_knob_is_missing_here() -> None:
    assert set(Settings.model_fields) == set(VARIABLES)


@pytest.mark.parametrize("name", sorted(set(VARIABLES) - {"api_keys", "stores"}))
def test_every_knob_has_a_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value, _ = VARIABLES[name]
    with_variable(monkeypatch, "second_model", "bundled")
    with_variable(monkeypatch, name, text)
    assert getattr(Settings.load(), name) == value


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_error_names_the_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = with_variable(monkeypatch, name, REFUSED[name])
    with pytest.raises(ConfigurationError, match=f"^{variable}\\b") as caught:
        Settings.load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"stores"}))
def test_an_error_shows_the_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_variable(monkeypatch, name, REFUSED[name])
    with pytest.raises(ConfigurationError) as caught:
        Settings.load()
    assert f"(got {REFUSED[name]!r})" in str(caught.value)


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_an_empty_variable_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files and unit files pass on variables that nobody has set."""
    default = getattr(Settings.load(), name)
    with_variable(monkeypatch, name, "")
    assert getattr(Settings.load(), name) == default


def test_the_command_line_overrides_the_environment_where_it_says_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JRERANK_PORT", "1")
    monkeypatch.setenv("JRERANK_MODEL", "bundled")
    settings = Settings.load(port=2, model=None)
    assert (settings.port, settings.model) == (2, "bundled")


def test_the_defaults_ask_for_the_published_model_and_let_nobody_in() -> None:
    settings = Settings.load()
    assert (settings.model, settings.precision, settings.graph) == (DEFAULT_MODEL, "int8", "own")
    assert (settings.host, settings.port, settings.keys()) == ("127.0.0.1", 8080, ())
    assert settings.pgwire_port is None


@pytest.mark.parametrize(("name", "value"), [("second_revision", "v2"), ("second_depth", "20")])
def test_what_is_set_for_a_second_model_that_is_not_there_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=f"JRERANK_{name.upper()} .* JRERANK_SECOND_MODEL"):
        Settings.load(**{name: value})
    with_variable(monkeypatch, name, value)
    with pytest.raises(ConfigurationError, match=f"JRERANK_{name.upper()} .* JRERANK_SECOND_MODEL"):
        Settings.load()
    assert Settings.load(second_model="bundled").second_model == "bundled"


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("xdg", "expected"), [("/x", Path("/x/jrerank")), ("", Path("/home/me/.cache/jrerank"))]
)
def test_graphs_are_kept_where_caches_are(xdg: str, expected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_cache_dir() == Settings.load().cache_dir == expected


def test_stores_are_json_and_keep_what_only_their_kind_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JRERANK_STORES", '{"docs": {"kind": "postgres", "dsn": "postgresql:///docs"}}')
    store = Settings.load().stores["docs"]
    assert store.kind == "postgres"
    assert store.model_extra == {"dsn": "postgresql:///docs"}


@pytest.mark.parametrize(
    ("stores", "said"),
    [
        ('{"docs": {"dsn": "postgresql://me:secret@db"}}', "JRERANK_STORES: docs.kind: Field required"),
        ('{"docs": {"kind": "secret"}}', "JRERANK_STORES: docs.kind: Input should be"),
        ('{"docs": "secret"}', "JRERANK_STORES: docs: Input should be"),
        ('["secret"]', "JRERANK_STORES: Input should be a valid dictionary"),
        ('{"secret": ', "JRERANK_STORES is not JSON: .*column"),
    ],
)
def test_a_wrong_store_is_named_and_its_secrets_are_not(
    stores: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JRERANK_STORES", stores)
    with pytest.raises(ConfigurationError, match=said) as caught:
        Settings.load()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("one", ("one",)), (" one, two ,,", ("one", "two")), (" , ", ()), ("one,one", ("one", "one"))],
)
def test_keys_come_from_the_variable(
    variable: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JRERANK_API_KEYS", variable)
    assert Settings.load().keys() == expected


def test_keys_come_from_the_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text("# the search team\n\n  two  \r\nthree\n")
    monkeypatch.setenv("JRERANK_API_KEYS", "one")
    monkeypatch.setenv("JRERANK_API_KEYS_FILE", str(tmp_path / "keys"))
    assert Settings.load().keys() == ("one", "two", "three")


def test_keys_are_not_shown() -> None:
    assert "sesame" not in repr(Settings.load(api_keys="sesame"))


@pytest.mark.parametrize("content", [b"", b"\n# only a comment\n", b"\xff\xfe\x00"])
def test_a_file_without_a_key_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^JRERANK_API_KEYS_FILE: .*keys"):
        Settings.load(api_keys_file=tmp_path / "keys").keys()


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^JRERANK_API_KEYS_FILE: "):
        Settings.load(api_keys_file=tmp_path / name).keys()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    Settings.load(host=host).check_bind()


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "localhost.example.org", "127.1"]
)
def test_beyond_loopback_nobody_gets_in_without_a_key(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"host {host} .* JRERANK_API_KEYS"):
        Settings.load(host=host).check_bind()
    Settings.load(host=host, api_keys="one").check_bind()
    (tmp_path / "keys").write_text("one\n")
    Settings.load(host=host, api_keys_file=tmp_path / "keys").check_bind()


def test_a_key_of_blanks_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JRERANK_API_KEYS", " , ")
    with pytest.raises(ConfigurationError, match="an API key is needed"):
        Settings.load(host="0.0.0.0").check_bind()


def test_a_certificate_needs_its_key() -> None:
    both = Settings.load(pgwire_tls_cert_file="cert.pem", pgwire_tls_key_file="key.pem")
    assert both.pgwire_tls_files() == (Path("cert.pem"), Path("key.pem"))
    assert Settings.load().pgwire_tls_files() is None
    with pytest.raises(ConfigurationError, match="JRERANK_PGWIRE_TLS_KEY_FILE"):
        Settings.load(pgwire_tls_cert_file="cert.pem").pgwire_tls_files()


def test_without_a_home_it_is_said_where_graphs_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user need not be known to its system."""
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 123_456_789)
    with pytest.raises(ConfigurationError, match="set JRERANK_CACHE_DIR"):
        Settings.load()
    assert Settings.load(cache_dir=Path("/x")).cache_dir == Path("/x")
