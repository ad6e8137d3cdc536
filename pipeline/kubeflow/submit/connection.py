"""The API of an installation of Kubeflow Pipelines."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import kfp.client
import urllib3
from kfp_server_api.exceptions import ApiException

from pipeline.config.config import ConfigError
from pipeline.kubeflow.submit.api_errors import log_in_page, no_address, no_api, plain_error

# Seconds to connect, and to wait for more of an answer.
_PATIENCE = (10, 60)
_PAGE_SIZE = 100


class _Client(kfp.client.Client):
    """kfp's client, but it neither reads nor writes files in the user's home.

    kfp keeps a namespace and cookies there, of whichever installation was used last. It is also
    made to give up in time, and to tell a log-in page from an answer.

    Attributes:
      multi_user: whether every user of the installation has a namespace.
    """

    multi_user = False

    def _load_context_setting_or_default(self) -> None:
        self._context_setting = {"namespace": ""}

    def set_user_namespace(self, namespace: str) -> None:
        """Use a namespace; kfp's own also writes it to a file."""
        self._context_setting["namespace"] = namespace

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        """Ask once whether this is the API. kfp's own asks for half a minute, with tracebacks."""
        # The first request of all, so that the others are bounded too.
        _bound(self.api.rest_client)
        address = self.api.configuration.host
        try:
            answer = self._request("/apis/v2beta1/healthz", "GET", "V2beta1GetHealthzResponse")
        except ApiException as error:
            raise no_api(address) if error.status == 404 else error from None
        if "json" not in (self.api.last_response.getheader("content-type") or ""):
            raise no_api(address)
        self.multi_user = bool(answer.multi_user)
        return answer

    def create_pipeline(self, name: str, namespace: str | None) -> Any:
        """Create a pipeline without versions, which kfp's client cannot.

        With `upload_pipeline` the first version would bear the pipeline's name.
        """
        body = {"display_name": name}
        if namespace:
            body["namespace"] = namespace
        return self._request("/apis/v2beta1/pipelines", "POST", "V2beta1Pipeline", body)

    @property
    def api(self) -> Any:
        """What all of the client's requests go through."""
        return self._healthz_api.api_client

    def _request(self, path: str, method: str, kind: str, body: Any = None) -> Any:
        # The generated methods for these have other names in each release of kfp.
        return self.api.call_api(
            path,
            method,
            header_params={"Accept": "application/json"},
            body=body,
            response_type=kind,
            auth_settings=["Bearer"],
            _return_http_data_only=True,
        )


class _Page(Exception):
    """A request was answered with a page for people."""


def _bound(rest_client: Any) -> None:
    """Let no request of a client take for ever, nor take a page for an answer."""
    send = rest_client.request

    def request(*arguments, **options):
        options["_request_timeout"] = options.get("_request_timeout") or _PATIENCE
        response = send(*arguments, **options)
        # A log-in page arrives as success, and the client makes an empty answer of it.
        if "html" in (response.getheader("content-type") or ""):
            raise _Page
        return response

    rest_client.request = request
    # urllib3 would try thrice, and tell of each time. What waits long tries again by itself.
    rest_client.pool_manager.connection_pool_kw["retries"] = urllib3.Retry(0, redirect=5)


class Connection:
    """An installation that answers.

    Attributes:
      client: kfp's client; its methods are to be called through `ask`.
      address: of the API.
      namespace: the user's; None if the installation has no users.
      multi_user: whether it has.
    """

    def __init__(
        self,
        host: str | None = None,
        namespace: str | None = None,
        token: str | None = None,
        ca_cert: str | None = None,
    ):
        """Connects.

        Args:
          host: address; KF_PIPELINES_ENDPOINT or, in a cluster, its own unless given.
          namespace: the user's; the pod's own unless given.
          token: bearer token; the service account's where there is one unless given.
          ca_cert: file of the authority to trust, PEM.

        Raises:
          ConfigError: there is nothing to connect to, or a namespace is needed.
          ServiceError: nothing answers there, it is something else, or it lets nobody in.
        """
        self.address, self._ui = _addresses(host)
        credentials = None if token else _service_account()
        self._token = bool(token or credentials)
        with self._plain_errors():
            # What it prints is shown: behind Google's proxy it asks for a log-in.
            self.client = _Client(
                host=self.address,
                existing_token=token,
                credentials=credentials,
                ssl_ca_cert=ca_cert,
            )
        self.multi_user = self.client.multi_user
        self.namespace = None
        if self.multi_user:
            self.namespace = namespace or self.client.get_user_namespace()
            if not self.namespace:
                raise ConfigError(
                    f"{self.address} has many users, each with a namespace: add yours with "
                    "--namespace."
                )
            self.client.set_user_namespace(self.namespace)

    def ask(self, method: Callable[..., Any], **arguments) -> Any:
        """Call a method of the client, without what it prints.

        Raises:
          ConfigError: what was sent is refused.
          ServiceError: the installation does not do it.
        """
        with self._plain_errors(), contextlib.redirect_stdout(io.StringIO()):
            return method(**arguments)

    def all_named(
        self, method: Callable[..., Any], field: str, name: str, **arguments
    ) -> Iterator[Any]:
        """Yield everything of a name that a listing method of the client returns.

        Args:
          method: it lists by pages.
          field: of its answer, the list.
          name: the display name.
          arguments: of the method.
        """
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        arguments["filter"] = json.dumps({"predicates": [predicate]})
        token = ""
        while True:
            page = self.ask(method, page_token=token, page_size=_PAGE_SIZE, **arguments)
            yield from (one for one in getattr(page, field) or () if one.display_name == name)
            token = page.next_page_token
            if not token:
                return

    @contextlib.contextmanager
    def _plain_errors(self) -> Iterator[None]:
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield
            except _Page:
                raise log_in_page(self.address) from None
            except Exception as error:
                raise plain_error(error, self.address, self._token) from error

    def page(self, path: str) -> str | None:
        """Return the address of a page of the user interface, None if that is not known."""
        return f"{self._ui}/#/{path}" if self._ui else None


def _addresses(host: str | None) -> tuple[str, str | None]:
    """Return the addresses of the API and of the user interface."""
    given = host or os.environ.get(kfp.client.client.KF_PIPELINES_ENDPOINT_ENV)
    ui = os.environ.get(kfp.client.client.KF_PIPELINES_UI_ENDPOINT_ENV)
    if given:
        # What a browser shows behind # is a page.
        given = given.partition("#")[0]
        address = given if "://" in given else f"https://{given}"
        if not address.startswith(("http://", "https://")):
            raise ConfigError(f"--host {given} begins neither with https:// nor with http://.")
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", address):
            raise ConfigError(no_address(given))
        address = address.rstrip("/")
        return address, (ui or address).rstrip("/")
    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise ConfigError(
            "No address of Kubeflow Pipelines is given: add --host URL, or set "
            f"{kfp.client.client.KF_PIPELINES_ENDPOINT_ENV}."
        )
    in_cluster = kfp.client.Client._IN_CLUSTER_DNS_NAME.format("kubeflow")
    return f"http://{in_cluster}", ui.rstrip("/") if ui else None


def _service_account() -> kfp.client.ServiceAccountTokenVolumeCredentials | None:
    """Return the credentials that a pod, or a variable, has; they are read for every request."""
    named = os.environ.get(kfp.client.KF_PIPELINES_SA_TOKEN_ENV)
    path = named or kfp.client.KF_PIPELINES_SA_TOKEN_PATH
    if os.access(path, os.R_OK):
        return kfp.client.ServiceAccountTokenVolumeCredentials(path)
    if named:
        raise ConfigError(
            f"{kfp.client.KF_PIPELINES_SA_TOKEN_ENV} names {path}, which cannot be read."
        )
    return None
