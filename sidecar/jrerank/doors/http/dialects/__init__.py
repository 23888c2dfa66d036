"""The rerank shapes of others, as data: what each calls the parts of a request and of an answer."""
