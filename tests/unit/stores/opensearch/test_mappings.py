from jrerank.stores.opensearch.mappings import field_types

TITLE = {"type": "text", "fields": {"raw": {"type": "keyword"}}}


def test_types_by_path() -> None:
    properties = {
        "title": TITLE,
        "meta": {"properties": {"author": {"type": "keyword"}}},
        "headline": {"type": "alias", "path": "title"},
        "gone": {"type": "alias", "path": "nothing"},
        "type": {"type": "date"},
    }
    assert field_types([properties]) == {
        "title": "text",
        "title.raw": "keyword",
        "meta.author": "keyword",
        "headline": "text",
        "type": "date",
    }


def test_text_goes_first_where_indexes_differ() -> None:
    keyword, text = {"tags": {"type": "keyword"}}, {"tags": {"type": "text"}}
    assert field_types([keyword, text]) == field_types([text, keyword]) == {"tags": "text"}
    assert field_types([None, {"n": {"type": "long"}}, {"n": {"type": "date"}}]) == {"n": "long"}
