"""What the CPU can do, and how much of it this process may use: read from files as Linux has them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from jrerank import cpu
from jrerank.cpu import CpuFeatures, cpu_features, usable_cores

ZEN_5 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f avx512_vnni avx_vnni\nbogomips\t: 1\n"
HASWELL = "processor\t: 0\nflags\t\t: fpu sse4_2 avx avx2\n\nprocessor\t: 1\nflags\t\t: fpu sse4_2 avx avx2\n"
ALDER_LAKE = "flags\t\t: fpu avx2 avx_vnni\n"
GRAVITON_3 = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm bf16\nCPU part\t: 0xd40\n"
GRAVITON_2 = "processor\t: 0\nFeatures\t: fp asimd asimddp\n"


def features(cpuinfo: str, folder: Path) -> CpuFeatures:
    (folder / "cpuinfo").write_text(cpuinfo)
    return cpu_features(folder / "cpuinfo")


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "vnni", "saturates", "said"),
    [
        ("x86_64", ZEN_5, True, False, "x86_64 with AVX-512 VNNI"),
        ("x86_64", ALDER_LAKE, True, False, "x86_64 with AVX VNNI"),
        ("x86_64", HASWELL, False, True, "x86_64 with AVX2 without VNNI"),
        ("AMD64", HASWELL, False, True, "x86_64 with AVX2 without VNNI"),
        ("x86_64", "", False, True, "x86_64"),
        ("aarch64", GRAVITON_3, False, False, "aarch64 with I8MM"),
        ("aarch64", GRAVITON_2, False, False, "aarch64 with dot product"),
        ("arm64", "", False, False, "aarch64"),
    ],
)
def test_the_instruction_sets_decide_how_int8_is_computed(
    machine: str,
    cpuinfo: str,
    vnni: bool,
    saturates: bool,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    found = features(cpuinfo, tmp_path)
    assert (found.vnni, found.saturates_int8, str(found)) == (vnni, saturates, said)


def test_without_cpuinfo_only_the_architecture_is_known(tmp_path: Path) -> None:
    assert cpu_features(tmp_path / "none").flags == frozenset()


def cgroups(folder: Path, own: str, files: dict[str, str]) -> int:
    """Cores by the quotas in `files`, for a process that is in the cgroups `own`."""
    (folder / "own").write_text(own)
    for name, content in files.items():
        (folder / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "fs" / name).write_text(content)
    return cpu._quota_cores(folder / "fs", folder / "own")


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("200000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("149000 100000\n", 1),
        ("150000 100000\n", 2),
        ("350000 50000\n", 7),
    ],
)
def test_a_quota_is_rounded_to_cores_and_never_to_none(quota: str, cores: int, tmp_path: Path) -> None:
    assert cgroups(tmp_path, "0::/\n", {"cpu.max": quota}) == cores


@pytest.mark.parametrize("quota", ["max 100000\n", "", "garbage\n", "max"])
def test_without_a_limit_all_cores_count(quota: str, tmp_path: Path) -> None:
    assert cgroups(tmp_path, "0::/\n", {"cpu.max": quota}) == os.cpu_count()


def test_without_cgroups_all_cores_count(tmp_path: Path) -> None:
    assert cpu._quota_cores(tmp_path / "none", tmp_path / "none") == os.cpu_count()


def test_a_service_has_its_quota_in_a_cgroup_of_its_own(tmp_path: Path) -> None:
    files = {"system.slice/jrerank.service/cpu.max": "300000 100000", "system.slice/cpu.max": "max 100000"}
    assert cgroups(tmp_path, "0::/system.slice/jrerank.service\n", files) == 3


def test_the_tightest_quota_above_counts(tmp_path: Path) -> None:
    files = {
        "pods/one/cpu.max": "400000 100000",
        "pods/cpu.max": "200000 100000",
        "other/cpu.max": "1 100000",
    }
    assert cgroups(tmp_path, "0::/pods/one\n", files) == 2


def test_a_container_that_does_not_see_its_path_has_its_quota_at_the_top(tmp_path: Path) -> None:
    assert cgroups(tmp_path, "0::/docker/0123abcd\n", {"cpu.max": "200000 100000"}) == 2


@pytest.mark.parametrize("place", ["cpu", "cpu/docker/0123abcd"])
@pytest.mark.parametrize(("quota", "cores"), [("300000", 3), ("-1", None)])
def test_cgroups_of_version_1(place: str, quota: str, cores: int | None, tmp_path: Path) -> None:
    files = {f"{place}/cpu.cfs_quota_us": f"{quota}\n", f"{place}/cpu.cfs_period_us": "100000\n"}
    own = "12:memory:/docker/0123abcd\n4:cpu,cpuacct:/docker/0123abcd\n"
    assert cgroups(tmp_path, own, files) == (cores or os.cpu_count())


def topology(folder: Path, siblings: dict[int, str]) -> Path:
    for number, shared in siblings.items():
        (folder / f"cpu{number}" / "topology").mkdir(parents=True)
        (folder / f"cpu{number}" / "topology" / "thread_siblings_list").write_text(f"{shared}\n")
    return folder


@pytest.mark.parametrize(
    ("cpus", "cores"),
    [({0, 1, 2, 3}, 2), ({0, 2}, 1), ({0, 1}, 2), ({3}, 1), ({0, 1, 2}, 2)],
)
def test_two_threads_of_one_core_count_once(cpus: set[int], cores: int, tmp_path: Path) -> None:
    hyperthreaded = topology(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"})
    assert cpu._physical_cores(cpus, hyperthreaded) == cores


def test_without_a_topology_each_cpu_is_a_core(tmp_path: Path) -> None:
    assert cpu._physical_cores({0, 5, 7}, tmp_path) == 3


def test_the_affinity_mask_is_respected() -> None:
    everything = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(everything)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, everything)
    assert 1 <= usable_cores() <= len(everything)
