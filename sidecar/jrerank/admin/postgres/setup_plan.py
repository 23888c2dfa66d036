"""What has to be done so that a database can rerank: a list of steps, each a statement that says what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from jrerank.admin.postgres import setup_statements as statements
from jrerank.admin.postgres.choices import Form, Transport
from jrerank.admin.postgres.files import Script
from jrerank.admin.postgres.offers import Offers
from jrerank.admin.postgres.sidecar_address import ADDRESS_OPTIONS, SidecarAddress
from jrerank.errors import ConfigurationError

OWNER, USER = "jrerank_owner", "jrerank_user"
WRAPPER, PLAIN_WRAPPER = "jrerank", "dblink_fdw"
MASK = "********"


@dataclass(frozen=True, slots=True)
class Step:
    """`masked` is the statement without its secret, where it has one; `script` is the file that it comes from, where it does."""

    what: str
    statement: sql.SQL | sql.Composed
    masked: sql.SQL | sql.Composed | None = None
    script: Script | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """The foreign server `jrerank` as it is."""

    wrapper: str
    options: Mapping[str, str]


def choose_transport(
    asked: Transport, offers: Offers, address: SidecarAddress, wrapper: str, *, keyed: bool
) -> Transport:
    """http where the server has it and the sidecar's URL is known, else dblink.

    Args:
        wrapper: of the foreign server.
        keyed: an API key goes with a request, which over dblink it must.

    Raises:
        ConfigurationError: the server has neither, or an address is missing.
    """
    obstacles = {
        Transport.HTTP: _http_obstacle(offers, address, wrapper),
        Transport.DBLINK: _dblink_obstacle(offers, address, keyed=keyed),
    }
    for transport in (Transport.HTTP, Transport.DBLINK) if asked is Transport.AUTO else (asked,):
        if obstacles[transport] is None:
            return transport
    reasons = [f"{name}: {what}" for name, what in obstacles.items() if asked in {Transport.AUTO, name}]
    raise ConfigurationError("; ".join(reasons))


def _http_obstacle(offers: Offers, address: SidecarAddress, wrapper: str) -> str | None:
    if not offers.offers("http"):
        return "this server has no extension http"
    if wrapper != WRAPPER:
        return "only a superuser, or the extension, makes the foreign-data wrapper that holds the URL"
    return "--url is needed" if address.url is None else None


def _dblink_obstacle(offers: Offers, address: SidecarAddress, *, keyed: bool) -> str | None:
    if not offers.offers("dblink"):
        return "this server has no extension dblink"
    if address.host is None:
        return "--pgwire HOST:PORT is needed, and a sidecar that was started with --pgwire-port"
    return (
        None if keyed else "an API key is needed: PostgreSQL lets no role but a superuser connect without one"
    )


def installs_extension(offers: Offers, form: Form) -> bool:
    """Whether the functions are, or are going to be, an extension's."""
    known = offers.extensions.get("jrerank")
    if known is None or form is Form.SCRIPT:
        return False
    return known.installed is not None or offers.functions is None


def choose_wrapper(offers: Offers, form: Form) -> str:
    """The extension's own runs as a superuser, whoever installs it: it is trusted."""
    if offers.functions is not None:
        return WRAPPER if offers.has_wrapper else PLAIN_WRAPPER
    has_it = offers.has_wrapper or offers.is_superuser or installs_extension(offers, form)
    return WRAPPER if has_it else PLAIN_WRAPPER


def choose_owner(offers: Offers, form: Form) -> str:
    """The role that the functions ask as: one of its own, or where none can be made, the one that installs them."""
    if offers.asks_as is not None:
        return offers.asks_as
    has_it = offers.has_owner or offers.may_create_roles or installs_extension(offers, form)
    return OWNER if has_it else offers.role


def functions_steps(offers: Offers, form: Form, script: Script) -> Iterator[Step]:
    """Install or upgrade the functions.

    Raises:
        ConfigurationError: the extension is asked for, and the server doesn't find its files; or the functions are newer
            than this program, or too old for it.
    """
    known = offers.extensions.get("jrerank")
    if known is not None and known.installed is not None:
        if known.installed != known.offered:
            yield Step(
                f"extension jrerank {known.installed} -> {known.offered}",
                sql.SQL(statements.UPDATE_EXTENSION),
            )
    elif offers.functions is not None:
        yield from map(_script_step, script.upgrades_from(offers.functions))
    elif form is Form.SCRIPT or (form is Form.AUTO and known is None):
        yield _script_step(script)
    elif known is None:
        raise ConfigurationError(
            "this server doesn't find the files of the extension jrerank: try --as script"
        )
    else:
        # Its functions are in a schema of their own anyway
        where = "" if offers.has_schema else " schema pg_catalog"
        yield Step(f"extension jrerank {known.offered}", _extension("jrerank", where))


def _script_step(script: Script) -> Step:
    return Step(
        f"functions of jrerank {script.version}, by {script.path.name}", sql.SQL(script.text), script=script
    )


def transport_steps(offers: Offers, transport: Transport) -> Iterator[Step]:
    """The extension that the transport needs."""
    if offers.extensions[transport.value].installed is None:
        yield Step(f"extension {transport.value}", _extension(transport.value))


def server_steps(server: Server | None, wrapper: str, options: Mapping[str, str]) -> Iterator[Step]:
    """The foreign server with these options, made or changed; what it has beside an address stays."""
    if server is not None:
        kept = {name: value for name, value in server.options.items() if name not in ADDRESS_OPTIONS}
        options = {**options, **kept}
    if server is not None and server.wrapper != wrapper:
        yield Step(f"server jrerank of {server.wrapper} is dropped", sql.SQL(statements.DROP_SERVER))
        server = None
    if server is None:
        given = [_option(name, value) for name, value in options.items()]
        statement = sql.SQL(statements.CREATE_SERVER).format(
            wrapper=sql.Identifier(wrapper), options=sql.SQL(", ").join(given)
        )
        yield Step(f"server jrerank: {_shown(options)}", statement)
    elif server.options != options:
        changes = sql.SQL(", ").join(_changes(server.options, options))
        yield Step(
            f"server jrerank: {_shown(options)}", sql.SQL(statements.ALTER_SERVER).format(options=changes)
        )


def mapping_steps(owner: str, key: str | None) -> Iterator[Step]:
    """The key, for the role that the functions ask as and for nobody else."""
    role = sql.Identifier(owner)
    yield Step(f"{owner} may use it", sql.SQL(statements.GRANT_SERVER).format(owner=role))
    yield Step("what it was mapped to is dropped", sql.SQL(statements.DROP_MAPPING).format(owner=role))
    what = f"user mapping for {owner}, {'with an API key' if key else 'without a key'}"
    yield Step(what, _mapping(role, key), _mapping(role, MASK) if key else None)


def close_step(extension: str, owner: str) -> Step:
    """Takes an extension's functions from PUBLIC."""
    names = {"extension": sql.Literal(extension), "owner": sql.Literal(owner)}
    what = f"nobody but {owner} may use {extension}"
    return Step(what, sql.SQL(statements.CLOSE_EXTENSION).format(**names))


def search_path_step(role: str | None) -> Step:
    """Lets a role, or everybody in this database, leave out the schema's name."""
    what = f"jrerank is on the search path of {'this database' if role is None else role}"
    return Step(what, sql.SQL(statements.SEARCH_PATH).format(role=sql.Literal(role)))


def grant_step(role: str) -> Step:
    """Lets a role rerank."""
    return Step(f"{role} may rerank", sql.SQL(statements.GRANT_USER).format(role=sql.Identifier(role)))


def _mapping(owner: sql.Identifier, key: str | None) -> sql.Composed:
    password = sql.SQL(statements.WITH_KEY).format(key=sql.Literal(key)) if key else sql.SQL("")
    return sql.SQL(statements.CREATE_MAPPING).format(owner=owner, password=password)


def _extension(name: str, where: str = "") -> sql.Composed:
    return sql.SQL(statements.CREATE_EXTENSION + where).format(extension=sql.Identifier(name))


def _option(name: str, value: str, action: str = "") -> sql.Composed:
    return sql.SQL(f"{action}{{}} {{}}").format(sql.Identifier(name), sql.Literal(value))


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[sql.Composed]:
    for name in old.keys() - new.keys():
        yield sql.SQL("drop {}").format(sql.Identifier(name))
    for name, value in new.items():
        if old.get(name) != value:
            yield _option(name, value, "set " if name in old else "add ")


def _shown(options: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in options.items())
