"""Finds an installation of Kubeflow Pipelines and the credentials for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import kfp_server_api

from pipeline.config.config import ConfigError
from pipeline.kubeflow.submit.api_client import KubeflowClient
from pipeline.kubeflow.submit.api_errors import describe_invalid_address

# In a pod.
_IN_CLUSTER_ADDRESS = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
_TOKEN_FILE = "/var/run/secrets/kubeflow/pipelines/token"  # noqa: S105 # nosec B105 # a path
_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"


@dataclass(frozen=True)
class Connection:
    """An installation that answers.

    Attributes:
      client: sends requests to it.
      namespace: the user's namespace; empty in a single-user installation.
      ui_address: address of the user interface; None if it is not known.
    """

    client: KubeflowClient
    namespace: str
    ui_address: str | None

    def get_page(self, path: str) -> str | None:
        """Return the address of a page of the user interface; None if it is not known."""
        return f"{self.ui_address}/#/{path}" if self.ui_address else None


def connect(
    host: str | None = None,
    namespace: str | None = None,
    token: str | None = None,
    ca_cert: str | None = None,
) -> Connection:
    """Connect to an installation, and check that it answers.

    Args:
      host: its address; by default KF_PIPELINES_ENDPOINT or, in a pod, that of the cluster.
      namespace: the user's namespace; by default that of the pod.
      token: bearer token; by default that of the service account, if there is one.
      ca_cert: PEM file of the certificate authority to trust.

    Raises:
      ConfigError: no address is given, or a namespace is needed.
      ServiceError: nothing answers there, something else does, or it refuses the token.
    """
    address, ui_address = _find_addresses(host)
    client = KubeflowClient(_configure(address, token, ca_cert))
    if not client.is_multi_user():
        return Connection(client, "", ui_address)
    namespace = namespace or _read_pod_namespace()
    if not namespace:
        raise ConfigError(
            f"{address} is a multi-user installation: add your namespace with --namespace."
        )
    return Connection(client, namespace, ui_address)


def _find_addresses(host: str | None) -> tuple[str, str | None]:
    """Return the addresses of the API and of the user interface."""
    host = host or os.environ.get("KF_PIPELINES_ENDPOINT")
    ui_address = os.environ.get("KF_PIPELINES_UI_ENDPOINT")
    if host:
        # In an address copied from a browser, the page of the user interface comes after the #.
        host = host.partition("#")[0]
        address = host if "://" in host else f"https://{host}"
        if not address.startswith(("http://", "https://")):
            raise ConfigError(f"--host {host} begins neither with https:// nor with http://.")
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", address):
            raise ConfigError(describe_invalid_address(host))
        address = address.rstrip("/")
        return address, (ui_address or address).rstrip("/")
    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise ConfigError(
            "No address of Kubeflow Pipelines is given: add --host URL, or set "
            "KF_PIPELINES_ENDPOINT."
        )
    return _IN_CLUSTER_ADDRESS, ui_address.rstrip("/") if ui_address else None


def _configure(
    address: str, token: str | None, ca_cert: str | None
) -> kfp_server_api.Configuration:
    """Return address and credentials as kfp_server_api takes them."""
    configuration = kfp_server_api.Configuration(host=address)
    configuration.ssl_ca_cert = ca_cert
    configuration.api_key_prefix["authorization"] = "Bearer"
    token = token or _get_google_token(address)
    if token:
        configuration.api_key["authorization"] = token
    elif token_file := _find_token_file():

        def read_token(configuration: kfp_server_api.Configuration) -> None:
            with open(token_file, encoding="utf-8") as file:
                configuration.api_key["authorization"] = file.read().strip()

        # Kubernetes replaces the token before it expires, so it is read for each request.
        read_token(configuration)
        configuration.refresh_api_key_hook = read_token
    return configuration


def _get_google_token(address: str) -> str | None:
    """Return the token for Google's proxies; None if the address is not behind one of them."""
    client_id = os.environ.get("KF_PIPELINES_IAP_OAUTH2_CLIENT_ID")
    if not client_id and not address.endswith(".googleusercontent.com"):
        return None
    from kfp.client import auth

    if client_id:
        # Prints where to log in, if it has to.
        token, _ = auth.get_auth_token(
            client_id,
            os.environ.get("KF_PIPELINES_APP_OAUTH2_CLIENT_ID"),
            os.environ.get("KF_PIPELINES_APP_OAUTH2_CLIENT_SECRET"),
        )
        return token
    return auth.get_gcp_access_token()


def _find_token_file() -> str | None:
    """Return the file that holds the token of the service account, if there is one."""
    configured_file = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
    file = configured_file or _TOKEN_FILE
    if os.access(file, os.R_OK):
        return file
    if configured_file:
        raise ConfigError(f"KF_PIPELINES_SA_TOKEN_PATH names {file}, which cannot be read.")
    return None


def _read_pod_namespace() -> str | None:
    try:
        with open(_NAMESPACE_FILE, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
