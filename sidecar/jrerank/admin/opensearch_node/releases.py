"""The OpenSearch releases that the plugin is built for, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """An OpenSearch release: which JDK builds and runs it, and what differs in its start."""

    version: str
    java: int
    newest_java: int
    maven: tuple[str, ...]
    jvm: tuple[str, ...]
    netty_class: str
    analysis_class: str
    mustache_class: str
    netty_grants: tuple[str, ...]
    plugins: Mapping[str, str]


OPENSEARCH_3 = Release(
    version="3.8.0",
    java=21,
    newest_java=25,
    maven=(),
    jvm=("--enable-native-access=ALL-UNNAMED", "-javaagent:agent/opensearch-agent-3.8.0.jar"),
    netty_class="org.opensearch.transport.Netty4ModulePlugin",
    analysis_class="org.opensearch.analysis.common.CommonAnalysisModulePlugin",
    mustache_class="org.opensearch.script.mustache.MustacheModulePlugin",
    netty_grants=("grant",),
    plugins={"analysis-kuromoji": "org.opensearch.plugin.analysis.kuromoji.AnalysisKuromojiPlugin"},
)
OPENSEARCH_2 = Release(
    version="2.19.6",
    java=17,
    newest_java=21,
    maven=("-P", "opensearch-2", "-Dopensearch.version=2.19.6"),
    jvm=("-Djava.security.manager=allow",),
    netty_class="org.opensearch.transport.Netty4Plugin",
    analysis_class="org.opensearch.analysis.common.CommonAnalysisPlugin",
    mustache_class="org.opensearch.script.mustache.MustachePlugin",
    netty_grants=(
        'grant codeBase "${codebase.netty-common}"',
        'grant codeBase "${codebase.netty-transport}"',
    ),
    plugins={},
)
RELEASES: Mapping[str, Release] = {release.version: release for release in (OPENSEARCH_3, OPENSEARCH_2)}
