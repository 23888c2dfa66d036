"""How a client comes in: startup, TLS, SCRAM."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

from jrerank.doors.pgwire import messages
from jrerank.doors.pgwire.auth import MECHANISM, Exchange, Verifiers, secret_of
from jrerank.doors.pgwire.channel import Channel
from jrerank.doors.pgwire.faults import Probed
from jrerank.doors.pgwire.messages import CancelRequest, EncryptionRequest, ProtocolViolation, Startup

# Before a client has proved who it is, it may neither send much nor take long; as long as with PostgreSQL, since a thousand clients
# that reconnect at once take their time. Who is silent is displaced by others long before: see `logins`
_LOGIN_BYTES = 10_000
LOGIN_TIMEOUT_S = 60.0
# dblink of PostgreSQL 16 and newer waits for ever for a server that has stopped. What doesn't fit into that server's receive
# buffer makes the client's kernel give up (tcp_user_timeout): so before it connects, our extension sends a startup message that
# is larger than the buffer. It is read and thrown away, unauthenticated as it is
PROBE_BYTES = 1024 * 1024
# GSSAPI, TLS, and then the startup itself
_FIRST_MESSAGES = 3


@dataclass(frozen=True, slots=True)
class Access:
    """What a client needs to come in: a key, if there are any; TLS, if it asks for it."""

    verifiers: Verifiers | None
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True)
class Login:
    """`caller` is whom the scheduler is fair to, `secret` what is known of its key: see `auth.proof`."""

    caller: str
    secret: bytes = field(repr=False)


async def log_in(channel: Channel, access: Access) -> Login | CancelRequest:
    """Who came in; or the cancel request that came instead.

    Raises:
        Probed: the client wanted no more than to see that somebody reads what it sends.
        ProtocolViolation: the client broke the protocol, or took too long.
        NotAuthorized: it knows no key.
        EOFError: it has gone.
    """
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT_S):
            first = await _startup(channel, access.tls)
            if isinstance(first, CancelRequest):
                return first
            await _negotiate(channel, first)
            if access.verifiers is None:
                return Login(channel.peer, secret_of(""))
            return await _prove(channel, access.verifiers)
    except TimeoutError:
        raise ProtocolViolation(f"no login within {LOGIN_TIMEOUT_S:g} s") from None


async def _startup(channel: Channel, tls: ssl.SSLContext | None) -> Startup | CancelRequest:
    for _ in range(_FIRST_MESSAGES):
        first = messages.parse_first(await _first_body(channel))
        if not isinstance(first, EncryptionRequest):
            return first
        if channel.encrypted:
            raise ProtocolViolation("the connection is encrypted already")
        if first.tls and tls is not None:
            await channel.start_tls(tls)
        else:
            await channel.send(b"N")
    raise ProtocolViolation("encryption was refused; log in without it, or leave")


async def _first_body(channel: Channel) -> bytes:
    length = await channel.length()
    if _LOGIN_BYTES < length <= PROBE_BYTES:
        await channel.discard(length)
        raise Probed
    return await channel.exactly(length, _LOGIN_BYTES)


async def _negotiate(channel: Channel, startup: Startup) -> None:
    if startup.protocol >> 16 != messages.PROTOCOL_3_0 >> 16:
        raise ProtocolViolation("protocol 3 is spoken here")
    unknown = [name for name in startup.parameters if name.startswith("_pq_.")]
    if startup.protocol != messages.PROTOCOL_3_0 or unknown:
        await channel.send(messages.negotiate_version(unknown))


async def _prove(channel: Channel, verifiers: Verifiers) -> Login:
    exchange = Exchange(verifiers)
    await channel.send(messages.authentication(10, f"{MECHANISM}\0\0".encode()))
    mechanism, first = messages.sasl_initial_response(await _password_message(channel))
    if mechanism != MECHANISM:
        raise ProtocolViolation(f"{MECHANISM} is spoken here")
    await channel.send(messages.authentication(11, exchange.challenge(first)))
    final, verifier = exchange.conclude(await _password_message(channel))
    await channel.send(messages.authentication(12, final))
    return Login(verifier.caller, verifier.secret)


async def _password_message(channel: Channel) -> bytes:
    if await channel.kind() != b"p":
        raise ProtocolViolation("a password message was expected")
    return await channel.body(_LOGIN_BYTES)
