"""What may go wrong with a sidecar, how it gets well again, and what the marker says meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from integration.opensearch.fake import FakeSidecar

Fault = Callable[[FakeSidecar], None]


def mode(name: str) -> Fault:
    return lambda fake: fake.behave(name)


def heal(fake: FakeSidecar) -> None:
    fake.start()
    fake.behave("ok")


def thaw(fake: FakeSidecar) -> None:
    fake.thaw()
    heal(fake)


FAULTS: dict[str, tuple[Fault, Fault, set[str]]] = {
    "SIGKILL": (FakeSidecar.kill, heal, {"unreachable", "connection_lost"}),
    "SIGSTOP": (FakeSidecar.freeze, thaw, {"timeout"}),
    "silent": (mode("silent"), heal, {"timeout"}),
    "closes": (mode("close"), heal, {"connection_lost"}),
    "500": (mode("status_500"), heal, {"status_500"}),
    "503": (mode("status_503"), heal, {"status_503"}),
    "401": (mode("status_401"), heal, {"status_401"}),
    "404": (mode("status_404"), heal, {"status_404"}),
    "429": (mode("status_429"), heal, {"status_429"}),
    "garbage": (mode("garbage"), heal, {"invalid_answer"}),
    "half a body": (mode("half"), heal, {"connection_lost"}),
    "20 too few": (mode("missing"), heal, {"missing_results"}),
    "a duplicate": (mode("duplicate"), heal, {"duplicate_results"}),
    # on a busy machine the sidecar's word of it may come too late
    "slow store": (mode("slow_store"), heal, {"store_timeout", "timeout"}),
    "drip": (mode("drip"), heal, {"timeout"}),
    "endless": (mode("endless"), heal, {"answer_too_large", "timeout"}),
}
