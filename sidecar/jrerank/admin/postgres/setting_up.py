"""Carries a plan out, or shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from jrerank.admin.postgres import setup_statements as statements
from jrerank.admin.postgres.choices import Form, Transport
from jrerank.admin.postgres.files import extension_folder, newest_script, place_files
from jrerank.admin.postgres.loopback import loopback_step
from jrerank.admin.postgres.offers import Extension, Offers, read_offers
from jrerank.admin.postgres.setup_plan import (
    OWNER,
    Server,
    Step,
    choose_owner,
    choose_transport,
    choose_wrapper,
    close_step,
    functions_steps,
    grant_step,
    mapping_steps,
    search_path_step,
    server_steps,
    transport_steps,
)
from jrerank.admin.postgres.sidecar_address import SidecarAddress
from jrerank.errors import ConfigurationError

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be set up. `key` is the sidecar's; without one, a key that is there stays. `roles` may rerank afterwards.

    `closes_transport`: nobody else may use the transport's extension. `extends_search_path`: of the roles, or the database.
    `loopback`: by another backend it is looked whether the network answers; it is made anew unless `Offers` has it.
    """

    address: SidecarAddress
    key: str | None
    roles: Sequence[str]
    transport: Transport = Transport.AUTO
    form: Form = Form.AUTO
    closes_transport: bool = False
    extends_search_path: bool = False
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, in their order, and the transport that they lead to."""

    transport: Transport
    steps: tuple[Step, ...]


def plan(offers: Offers, server: Server | None, wish: Wish) -> Plan:
    """The steps that are still to be done: none twice.

    Raises:
        ConfigurationError: this server, or this role, cannot do what is wished for; the message says what would help.
    """
    wrapper, owner = choose_wrapper(offers, wish.form), choose_owner(offers, wish.form)
    keyed = wish.key is not None or offers.has_mapping
    transport = choose_transport(wish.transport, offers, wish.address, wrapper, keyed=keyed)
    over_http = transport is Transport.HTTP
    options = wish.address.http_options() if over_http else wish.address.dblink_options()
    if over_http and wish.transport is Transport.AUTO and wish.address.host is not None:
        options |= wish.address.dblink_options()  # for whoever sets jrerank.transport
    _check(wish, offers, owner, transport)
    steps = [
        *transport_steps(offers, transport),
        *functions_steps(offers, wish.form, newest_script()),
        *server_steps(server, wrapper, options),
    ]
    if wish.key is not None or not offers.has_mapping:
        steps += mapping_steps(owner, wish.key)
    if wish.closes_transport:
        steps.append(close_step(transport.value, owner))
    if needs_loopback(wish, transport) and not offers.has_loopback:
        steps.append(loopback_step(owner, wrapper))
    steps += map(grant_step, wish.roles)
    if wish.extends_search_path:
        steps += map(search_path_step, wish.roles or (None,))
    return Plan(transport, tuple(steps))


def needs_loopback(wish: Wish, transport: Transport) -> bool:
    """Whether one is wished for, and of use: http keeps its deadlines without."""
    return wish.loopback and transport is Transport.DBLINK


def _check(wish: Wish, offers: Offers, owner: str, transport: Transport) -> None:
    if wish.roles and owner != OWNER:
        raise ConfigurationError("--role: this role may not create roles, so that jrerank_user can't be made")
    if wish.roles and not offers.may_grant_user:
        roles = ", ".join(wish.roles)
        raise ConfigurationError(
            f"--role: {offers.role} may not grant jrerank_user; a role with admin option on it may: GRANT jrerank_user TO {roles}"
        )
    if needs_loopback(wish, transport) and not offers.may_create_roles:
        raise ConfigurationError("--loopback: this role may not create roles, and it needs one that logs in")


def offers_with_files(
    connection: Connection, form: Form, say: Callable[[str], None], *, dry_run: bool
) -> Offers:
    """What the server offers, after the extension's files were placed, where that is wished for and can be done."""
    offers, newest = read_offers(connection), newest_script().version
    known = offers.extensions.get("jrerank")
    by_script = offers.functions is not None and (known is None or known.installed is None)
    if form is Form.SCRIPT or by_script or (known is not None and known.offered == newest):
        return offers
    folder = extension_folder(connection)
    if folder is None:
        return offers
    if dry_run:
        say(f"-- the files of the extension would go to {folder}")
        found = Extension(newest, None if known is None else known.installed)
        return replace(offers, extensions={**offers.extensions, "jrerank": found})
    if not place_files(connection, folder):
        return offers
    say(f"done  the files of the extension are in {folder}")
    return read_offers(connection)


def read_server(connection: Connection) -> Server | None:
    """The foreign server, if it is there."""
    row = connection.execute(statements.FIND_SERVER).fetchone()
    return None if row is None else Server(*row)


def carry_out(connection: Connection, steps: Sequence[Step], say: Callable[[str], None]) -> None:
    """All steps, or none.

    Raises:
        psycopg.Error: one failed.
    """
    with connection.transaction():
        if any(step.masked is not None for step in steps):
            _keep_quiet(connection, say)
        for step in steps:
            connection.execute(step.statement)
    for step in steps:
        say(step.what)


def check_unobstructed(connection: Connection) -> None:
    """Let the functions ask once: whether a sidecar answers there is for `status` to say, but not what keeps them from asking.

    Raises:
        ConfigurationError: something does; it is said in the words of `rerank_status()`.
    """
    try:
        with connection.transaction():
            connection.execute(
                "set local jrerank.notice_level = 'none'; set local jrerank.on_error = 'keep_order'"
            )
            connection.execute(statements.PROBE, {"query": "?", "documents": ["?"], "timeout_ms": 1000})
            row = connection.execute(statements.PROBE_STATUS).fetchone()
    except psycopg.errors.InsufficientPrivilege:  # who sets up need not rerank
        return
    if row is not None and row[1] == "not_configured":
        raise ConfigurationError(f"all is there, but the functions can't ask yet: {row[2]}")


def shown(connection: Connection, steps: Sequence[Step]) -> str:
    """The steps as SQL for psql, secrets masked."""
    return "\n".join(
        ["begin;", *(f"{_as_text(connection, step)}  -- {step.what}" for step in steps), "commit;"]
    )


def _as_text(connection: Connection, step: Step) -> str:
    if step.script is not None:
        return f"\\i '{step.script.path}'"
    return f"{(step.masked or step.statement).as_string(connection)};"


def _keep_quiet(connection: Connection, say: Callable[[str], None]) -> None:
    for statement in statements.QUIET:
        try:
            with connection.transaction():
                connection.execute(statement)
        except psycopg.Error:  # only a superuser may, and a setting may be unknown
            continue
    row = connection.execute(statements.LOGS_STATEMENTS).fetchone()
    if row is not None and row[0]:
        say("note: the server logs statements, the key too, and this role may not switch that off")
