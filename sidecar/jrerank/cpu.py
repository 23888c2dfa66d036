"""What the CPU can do, and how much of it this process may use."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_TOPOLOGY = Path("/sys/devices/system/cpu")
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class CpuFeatures:
    """The instruction sets that decide how int8 is computed."""

    architecture: str
    flags: frozenset[str]

    @property
    def vnni(self) -> bool:
        """Whether int8 products are summed in 32 bits by one instruction."""
        return bool(self.flags & {"avx512_vnni", "avx_vnni", "avxvnni"})

    @property
    def amx_bf16(self) -> bool:
        """Whether tiles of bfloat16 are multiplied in hardware."""
        return "amx_bf16" in self.flags

    @property
    def bf16(self) -> bool:
        """Whether bfloat16 is multiplied in hardware: pairwise in vectors, or in tiles."""
        return self.amx_bf16 or "avx512_bf16" in self.flags

    @property
    def saturates_int8(self) -> bool:
        """AVX2 without VNNI sums pairs of int8 products in 16 bits, which full-range weights overflow."""
        return self.architecture == "x86_64" and not self.vnni

    def __str__(self) -> str:
        """One line for people, such as `x86_64 with AVX-512 VNNI`."""
        for flag, name in (
            ("avx512_vnni", "AVX-512 VNNI"),
            ("avx_vnni", "AVX VNNI"),
            ("avx2", "AVX2 without VNNI"),
            ("i8mm", "I8MM"),
            ("asimddp", "dot product"),
        ):
            if flag in self.flags:
                return f"{self.architecture} with {name}"
        return self.architecture


def cpu_features(cpuinfo: Path = _CPUINFO) -> CpuFeatures:
    """Read the features from Linux's cpuinfo; elsewhere only the architecture is known."""
    machine = platform.machine().lower().replace("amd64", "x86_64").replace("arm64", "aarch64")
    flags: frozenset[str] = frozenset()
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in {"flags", "Features"}:
                flags = frozenset(value.split())
                break
    return CpuFeatures(machine, flags)


def usable_cores() -> int:
    """Physical cores this process may use: its affinity mask and its cgroup's quota are respected."""
    return max(1, min(_physical_cores(_affinity()), _quota_cores()))


def _affinity() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _physical_cores(cpus: set[int], topology: Path = _TOPOLOGY) -> int:
    cores = set()
    for cpu in cpus:
        siblings = topology / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        cores.add(siblings.read_text().strip() if siblings.is_file() else str(cpu))
    return len(cores)


def _quota_cores(root: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> int:
    """The tightest quota of this process's cgroup and of those above it, as whole cores."""
    quotas = [quota for folder in _cgroups(root, own) if (quota := _quota(folder)) is not None]
    return max(1, math.floor(min(quotas) + 0.5)) if quotas else os.cpu_count() or 1


def _cgroups(root: Path, own: Path) -> Iterator[Path]:
    """Folders that may hold a quota: with version 2 of cgroups below `root`, with version 1 below `root`/cpu.

    A container may not see its own path: there the quota stands at the top.
    """
    lines = own.read_text().splitlines() if own.is_file() else []
    for top, controller in ((root, ""), (root / "cpu", "cpu")):
        paths = [line.split(":", 2)[2] for line in lines if controller in line.split(":", 2)[1].split(",")]
        yield top
        for path in paths:
            inner = PurePosixPath(path.lstrip("/"))
            yield from (top / folder for folder in (inner, *inner.parents))


def _quota(folder: Path) -> float | None:
    """Cores' worth of time in one cgroup; None where it is not limited."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()[:2]
        else:
            quota, period = ((folder / f"cpu.cfs_{part}_us").read_text() for part in ("quota", "period"))
        cores = int(quota) / int(period)
    except (OSError, ValueError):  # no such cgroup, or its quota is `max`
        return None
    return cores if cores > 0 else None
