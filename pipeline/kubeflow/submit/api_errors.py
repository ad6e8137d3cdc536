"""Turns a failed request to Kubeflow Pipelines into an error with a message for the user."""

from __future__ import annotations

import json
import re
from typing import Any

import urllib3  # type: ignore[import-untyped]  # Only urllib3 2 has types.
from kfp_server_api import ApiException

from pipeline.config.config import ConfigError
from pipeline.terminal.failures import ServiceError


class UnavailableError(ServiceError):
    """The installation does not answer now, but may do so later."""


class NotTheApiError(ServiceError):
    """Something other than the API answers."""


class NotFoundError(ServiceError):
    """The installation does not have what a request names."""


class NameTakenError(ConfigError):
    """The installation already has something of that name."""


def explain_error(error: Exception, address: str, sends_token: bool) -> Exception:
    """Return the error to raise instead of an error of kfp_server_api.

    Args:
      error: an ApiException, or an HTTPError of urllib3.
      address: address of the installation.
      sends_token: whether the request had a token.

    Returns:
      A ConfigError if the user has to change what was sent, otherwise a ServiceError.
    """
    if isinstance(error, ApiException):
        return _explain_refusal(error.status, _parse_message(error.body), address, sends_token)
    return _explain_connection_error(error, address)


def _parse_message(body: Any) -> str:
    """Return the message in the body of a refusal on one line; empty if there is none.

    The API answers with {"error", "code", "message"}, uploads with {"error_message"}, and a proxy
    in front of it with text or a page.
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if isinstance(fields, dict):
        text = str(
            fields.get("message") or fields.get("error_message") or fields.get("error") or ""
        )
    elif "<html" in text.lower():
        text = ""
    return re.sub(r"\s+", " ", text).strip().rstrip(".")


def _explain_refusal(status: int, message: str, address: str, sends_token: bool) -> Exception:
    reason = f" It says: {message}." if message else ""
    if status == 401:
        return _explain_missing_access(reason, address, sends_token)
    if status == 403:
        return ServiceError(
            f"{address} does not allow this.{reason} Check whose token it is, and that "
            "--namespace is one that its owner may use."
        )
    if status == 409:
        return NameTakenError(f"{address} already has something of that name.{reason}")
    if status in (400, 413, 422):
        return ConfigError(f"{address} refuses it (status {status}).{reason}")
    if status == 429 or status >= 500:
        return UnavailableError(
            f"{address} cannot answer now (status {status}).{reason} Try again later."
        )
    error = NotFoundError if status == 404 else ServiceError
    return error(f"{address} answers with status {status}.{reason}")


def _explain_missing_access(reason: str, address: str, sends_token: bool) -> ServiceError:
    if sends_token:
        return ServiceError(
            f"{address} does not accept the token.{reason} The token may have expired, or be for "
            "another audience."
        )
    return ServiceError(
        f"{address} does not accept requests without a token.{reason} Give a token with --token, "
        "or set KF_PIPELINES_SA_TOKEN_PATH to a file that holds one."
    )


def make_no_api_error(address: str) -> NotTheApiError:
    """Return the error for an address without Kubeflow Pipelines."""
    remedy = "Check the address."
    if not address.endswith("/pipeline"):
        remedy = f"In a full Kubeflow it is one level deeper: --host {address}/pipeline"
    return NotTheApiError(f"There is no API of Kubeflow Pipelines at {address}. {remedy}")


def make_log_in_page_error(address: str) -> NotTheApiError:
    """Return the error for an address that answers with a page."""
    return NotTheApiError(
        f"{address} answers with a page instead of data, perhaps to log in. Give a token with "
        "--token, or the address of the API with --host; in a full Kubeflow that ends in "
        "/pipeline."
    )


def describe_invalid_address(text: str) -> str:
    """Return the message for a text that is not an address."""
    return f"--host {text} is not an address such as https://kubeflow.example/pipeline."


def _explain_connection_error(error: Exception, address: str) -> Exception:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, urllib3.exceptions.SSLError):
        return _explain_tls_error(cause, address)
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return ConfigError(describe_invalid_address(address))
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        text = str(cause)
        if "name" in text.lower():
            problem = "the name is unknown"
        elif "refused" in text:
            problem = "nothing listens there"
        else:
            problem = "there is no route to it"
    elif isinstance(cause, urllib3.exceptions.TimeoutError):
        problem = "it does not answer in time"
    else:
        problem = "the connection broke"
    return UnavailableError(
        f"{address} cannot be reached: {problem}. Check the address and the network."
    )


def _explain_tls_error(cause: Exception, address: str) -> ServiceError:
    if "CERTIFICATE_VERIFY_FAILED" in str(cause):
        return ServiceError(
            f"The certificate of {address} is not trusted here. Name the file of its certificate "
            "authority with --ca-cert FILE.pem."
        )
    return ServiceError(
        f"{address} does not speak TLS, or no version of it that this machine knows. Perhaps it is "
        f"{address.replace('https://', 'http://', 1)}."
    )
