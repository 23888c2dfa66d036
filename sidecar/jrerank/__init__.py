"""jrerank: a Japanese cross-encoder reranker beside OpenSearch, Elasticsearch and PostgreSQL."""

import os
from importlib.metadata import version

# onnxruntime 1.32 tells its maker how it is used, and leaves files in the home folder, unless this is set when it loads
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = version("jrerank")
