"""A cluster that answers, and one that is only pretended, which prints what it would be asked."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection
from typing import Any, Protocol

from jrerank.admin.cluster.connection import Connection
from jrerank.admin.cluster.curl import curl
from jrerank.admin.cluster.request import Json, Request
from jrerank.errors import ConfigurationError, Refused, Unavailable

_POLL_S = 0.2


class Cluster(Protocol):
    """`is_dry_run`: nobody answers, so there is nothing to check."""

    is_dry_run: bool

    def ask(self, request: Request) -> Json:
        """Send it: the answer.

        Raises:
            Refused: it answered with an error.
            Unavailable: it did not answer, or not as a cluster does.
        """
        ...

    def look(self, path: str, body: Json | None = None, **parameters: str) -> Json | None:
        """What is at `path`, or what a search there finds; None where nothing is. It changes nothing. Raises as `ask`."""
        ...

    def wait_for(self, path: str, key: str, wanted: str, lost: Collection[str], timeout_s: float) -> None:
        """Return once `key` of what is at `path` is `wanted`.

        Raises:
            Unavailable: it is one of `lost`, or not `wanted` in time.
        """
        ...


class LiveCluster:
    """One that answers."""

    is_dry_run = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = _client(connection)

    def ask(self, request: Request) -> Json:
        """See `Cluster`."""
        from opensearchpy.exceptions import ConnectionError as NotReached
        from opensearchpy.exceptions import OpenSearchException, TransportError

        try:
            answer = self._client.transport.perform_request(
                request.method,
                request.path,
                params=dict(request.parameters),
                body=request.payload(),
                headers={"content-type": request.content_type},
            )
        except NotReached as error:
            raise Unavailable(f"{self._connection.url} does not answer: {error.info}") from None
        except TransportError as error:
            raise _refused(request, error) from None
        except (
            OpenSearchException
        ) as error:  # a page of HTML, for instance, which a proxy or another server gives
            message = f"{self._connection.url} does not answer as a cluster does: {error}"
            raise Unavailable(message) from None
        return answer if isinstance(answer, dict) else {"answer": answer}

    def look(self, path: str, body: Json | None = None, **parameters: str) -> Json | None:
        """See `Cluster`."""
        try:
            return self.ask(Request("POST" if body else "GET", path, body, parameters=parameters))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def wait_for(self, path: str, key: str, wanted: str, lost: Collection[str], timeout_s: float) -> None:
        """See `Cluster`."""
        deadline = time.monotonic() + timeout_s
        while (now := str((self.look(path) or {}).get(key))) != wanted:
            if now in lost:
                raise Unavailable(f"{path}: {key} is {now}, and will not be {wanted}")
            if time.monotonic() > deadline:
                raise Unavailable(f"{path}: {key} is still {now} after {timeout_s:.0f} s, not {wanted}")
            time.sleep(_POLL_S)


class DryRunCluster:
    """Requests that would change something are printed, in the words of `curl`, and not sent.

    What they look at is on the cluster `behind`; without one, a fresh cluster is pretended, and nobody is asked.
    """

    is_dry_run = True

    def __init__(
        self, connection: Connection, behind: Cluster | None = None, show: Callable[[str], object] = print
    ) -> None:
        self._connection = connection
        self._behind = behind
        self._show = show

    def ask(self, request: Request) -> Json:
        """Show it. What is to be remembered is a variable."""
        if request.note:
            self._show(f"# {request.note}")
        self._show(curl(request, self._connection))
        return {request.remember: f"${request.remember.upper()}"} if request.remember else {}

    def look(self, path: str, body: Json | None = None, **parameters: str) -> Json | None:
        """See the class."""
        return None if self._behind is None else self._behind.look(path, body, **parameters)

    def wait_for(self, path: str, key: str, wanted: str, lost: Collection[str], timeout_s: float) -> None:
        """Show a loop that waits."""
        line = curl(Request("GET", path), self._connection)
        self._show(f"""until {line} | grep -q '"{key}" *: *"{wanted}"'; do sleep 1; done""")


def _client(connection: Connection) -> Any:
    try:
        from opensearchpy import OpenSearch
    except ImportError:
        raise ConfigurationError("opensearch-py is needed: pip install 'jrerank[opensearch]'") from None
    logging.getLogger("opensearch").addHandler(
        logging.NullHandler()
    )  # else what is not there is a warning on stderr
    options: dict[str, Any] = {"timeout": connection.timeout_s, "max_retries": 0}
    if connection.ca_file:
        options["ca_certs"] = str(connection.ca_file)
    if connection.aws_region:
        options["http_auth"] = _aws_signer(connection)
    elif connection.api_key:
        options["headers"] = {"authorization": f"ApiKey {connection.api_key}"}
    elif connection.user:
        options["http_auth"] = (connection.user, connection.password)
    return OpenSearch([connection.url], **options)


def _aws_signer(connection: Connection) -> Any:
    try:
        from boto3 import Session
    except ImportError:
        raise ConfigurationError("boto3 is needed to sign for AWS: pip install 'jrerank[aws]'") from None
    from opensearchpy import Urllib3AWSV4SignerAuth

    credentials = Session().get_credentials()
    if credentials is None:
        raise ConfigurationError(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        )
    return Urllib3AWSV4SignerAuth(credentials, connection.aws_region, connection.aws_service)


def _refused(request: Request, error: Any) -> Refused:
    """In the engine's own words, which come as an object, as a text, or not at all."""
    status = error.status_code if isinstance(error.status_code, int) else 0
    reason = error.info if isinstance(error.info, dict) else {"error": error.info or error.error}
    cause = reason.get("error")
    if isinstance(cause, dict):
        cause = cause.get("reason") or (cause.get("root_cause") or [{}])[0].get("reason") or json.dumps(cause)
    return Refused(f"{request.method} {request.path}: {status} {cause}", status=status)
