"""What the CPU can do, and how much of it this process may use."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
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


def _quota_cores(v2: Path = _CGROUP_V2, v1: tuple[Path, Path] = _CGROUP_V1) -> int:
    if v2.is_file():
        quota, period = v2.read_text().split()[:2]
    elif v1[0].is_file() and v1[1].is_file():
        quota, period = v1[0].read_text().strip(), v1[1].read_text().strip()
    else:
        return os.cpu_count() or 1
    if quota in {"max", "-1"}:
        return os.cpu_count() or 1
    return max(1, math.floor(int(quota) / int(period) + 0.5))
