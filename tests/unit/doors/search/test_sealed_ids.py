from typing import Any

import pytest

from jrerank.doors.search.sealed_ids import IdSeal
from jrerank.errors import InvalidInput

SEAL = IdSeal("docs", ("key",))


def test_what_was_opened_here_can_be_continued_also_at_another_sidecar_with_the_same_keys() -> None:
    answer = SEAL.seal_in({"_scroll_id": "abc", "hits": {"hits": [{"_id": "1"}]}})
    assert answer["_scroll_id"] != "abc"
    assert IdSeal("docs", ("key",)).open_in({"scroll_id": answer["_scroll_id"]}) == {"scroll_id": "abc"}
    closed = SEAL.seal_in({"pits": [{"pit_id": "p", "successful": True}]})
    assert SEAL.opened(closed["pits"][0]["pit_id"], "pit_id") == "p"


@pytest.mark.parametrize("other", [IdSeal("faq", ("key",)), IdSeal("docs", ("other",)), IdSeal("docs", ())])
def test_what_was_opened_elsewhere_is_refused(other: IdSeal) -> None:
    with pytest.raises(InvalidInput, match="not opened at this door"):
        SEAL.opened(other.sealed("abc"), "scroll_id")


@pytest.mark.parametrize(
    "identifier", ["", "abc", "_all", ["abc"], 5, {"a": 1}, "日本", SEAL.sealed("abc") + "d"]
)
def test_what_is_no_id_names_its_field(identifier: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        SEAL.open_in({"id": identifier}, "pit.")
    assert caught.value.field == "pit.id"
