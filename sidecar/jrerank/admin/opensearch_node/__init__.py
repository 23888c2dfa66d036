"""A real OpenSearch node from a Maven repository, with the plugin installed; nothing else has to be there."""
