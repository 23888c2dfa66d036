"""The HTTP door: Cohere, Jina, vLLM, Voyage and TEI shapes, and the native one."""
