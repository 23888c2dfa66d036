from jrerank.doors.search.fields import FieldKind, Fields

FIELDS = Fields(
    ("title", "meta.note"), {"title": "text", "title.raw": "keyword", "lang": "keyword", "body": "text"}
)


def test_kinds() -> None:
    kinds = {
        name: FIELDS.kind(name) for name in ("title", "title.ja", "title.raw", "body", "lang", "_id", "other")
    }
    assert kinds == {
        "title": FieldKind.PASSAGE,
        "title.ja": FieldKind.PASSAGE,
        "title.raw": FieldKind.OTHER,
        "body": FieldKind.TEXT,
        "lang": FieldKind.OTHER,
        "_id": FieldKind.OTHER,
        "other": FieldKind.UNKNOWN,
    }


def test_of_several_fields_the_likeliest_counts() -> None:
    assert FIELDS.likeliest(["lang", "body^2", 5]) is FieldKind.TEXT
    assert FIELDS.likeliest(["lang"]) is FieldKind.OTHER
    assert FIELDS.likeliest([]) is FieldKind.TEXT
