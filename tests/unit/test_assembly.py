from typing import Any

import pytest

from jrerank.assembly import open_stores
from jrerank.errors import ConfigurationError
from jrerank.settings import Settings, StoreSettings
from jrerank.stores.search import SearchEngine

WELL = {"urls": "http://127.0.0.1:9", "index": "docs", "text_fields": ["title", "body"]}


def settings_of(kind: Any, **given: object) -> Settings:
    return Settings.load(stores={"docs": StoreSettings(kind=kind, **(WELL | given))})


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
async def test_a_search_engine_is_a_store_that_can_be_searched(kind: str) -> None:
    async with open_stores(settings_of(kind)) as stores:
        assert isinstance(stores["docs"], SearchEngine)
        assert stores["docs"].text_fields == ("title", "body")


async def test_what_is_wrong_with_a_store_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"JRERANK_STORES\.docs\.index"):
        async with open_stores(settings_of("opensearch", index="*")):
            pass
