"""jrerank: a Japanese cross-encoder reranker beside OpenSearch, Elasticsearch and PostgreSQL."""

from importlib.metadata import version

__version__ = version("jrerank")
