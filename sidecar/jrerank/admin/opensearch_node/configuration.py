"""What the jars of a node don't hold, and it does not start without: descriptors, a policy, its settings, a keystore."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from jrerank.admin.opensearch_node.build import sources
from jrerank.admin.opensearch_node.jdk import Jdk
from jrerank.admin.opensearch_node.releases import Release
from jrerank.errors import ConfigurationError

_PIPELINE_CLASS = "org.opensearch.search.pipeline.common.SearchPipelineCommonModulePlugin"
_LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
_NETTY_PERMISSIONS = """\
  permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read";
  permission java.net.SocketPermission "*", "accept,connect";
  permission java.lang.RuntimePermission "*", "setContextClassLoader";
  permission java.lang.RuntimePermission "getClassLoader";
  permission java.util.PropertyPermission "sun.nio.ch.bugLevel", "write";
"""
# It reads the parameters of templates by reflection
_MUSTACHE_POLICY = """\
grant {
  permission java.lang.RuntimePermission "accessDeclaredMembers";
};
"""


def describe_modules(home: Path, release: Release) -> None:
    """Writes the descriptors of modules and plugins, and what HTTP is permitted to do."""
    modules = {
        "modules/transport-netty4": release.netty_class,
        "modules/analysis-common": release.analysis_class,
        "modules/search-pipeline-common": _PIPELINE_CLASS,
        "modules/lang-mustache": release.mustache_class,
    }
    modules |= {f"plugins/{name}": main for name, main in release.plugins.items()}
    for folder, main in modules.items():
        _write(home / folder / "plugin-descriptor.properties", _descriptor(Path(folder).name, main, release))
    grants = "\n".join(f"{grant} {{\n{_NETTY_PERMISSIONS}}};" for grant in release.netty_grants)
    _write(home / "modules" / "transport-netty4" / "plugin-security.policy", grants + "\n")
    _write(home / "modules" / "lang-mustache" / "plugin-security.policy", _MUSTACHE_POLICY)


def configure(home: Path, settings: Mapping[str, object], files: Mapping[str, str]) -> None:
    """Writes `opensearch.yml`, the log's configuration, and `files` beside them."""
    config = home / "config"
    _write(config / "opensearch.yml", "".join(f"{name}: {value}\n" for name, value in settings.items()))
    _write(config / "log4j2.properties", _LOG4J)
    for name, text in files.items():
        _write(config / name, text)


def make_keystore(home: Path, secrets: Mapping[str, str], jdk: Jdk) -> None:
    """Writes the keystore, in the node's own format; `jdk` has to compile.

    Raises:
        ConfigurationError: it could not be made.
    """
    lines = "".join(f"{name}={secret}\n" for name, secret in secrets.items())
    source = sources("node") / "MakeKeystore.java"
    command = [str(jdk.java), "-cp", f"{home}/lib/*", str(source), f"{home}/config"]
    made = subprocess.run(command, input=lines, text=True, check=False, capture_output=True)
    if made.returncode != 0:
        raise ConfigurationError(f"the keystore could not be made: {made.stderr.strip()}")


def _descriptor(name: str, main: str, release: Release) -> str:
    lines = (
        f"name={name}",
        f"description={name}",
        f"version={release.version}",
        f"opensearch.version={release.version}",
        f"java.version={release.java}",
        f"classname={main}",
    )
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
