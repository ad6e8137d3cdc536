"""What went wrong with a request to Kubeflow Pipelines, in plain words."""

from __future__ import annotations

import json
import re
from typing import Any

import urllib3
from kfp_server_api.exceptions import ApiException

from pipeline.config.config import ConfigError
from pipeline.terminal.failures import ServiceError


class NoAnswer(ServiceError):
    """The installation does not answer at present, and may later."""


class NotTheApi(ServiceError):
    """Something else answers."""


class AlreadyThere(ConfigError):
    """The installation has something of that name."""


def plain_error(error: Exception, address: str, token: bool) -> Exception:
    """Return what to raise in place of an error of the client.

    Args:
      error: what the client raised.
      address: of the installation.
      token: whether a token was sent.

    Returns:
      ConfigError where what was sent has to be changed, ServiceError otherwise, and the error
      itself where nothing is known of it.
    """
    if isinstance(error, ApiException):
        return _refused(error.status, said(error.body), address, token)
    if isinstance(error, urllib3.exceptions.HTTPError):
        return _unreachable(error, address)
    if isinstance(error, ValueError):
        # kfp's own, for example of two experiments with one name.
        return ConfigError(str(error))
    return error


def said(body: Any) -> str:
    """Return the message in the body of a refusal, in one line; empty if there is none.

    The gateway writes {"error", "code", "message"}, uploads {"error_message"}, and what stands
    before the installation text or a page.
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if isinstance(read, dict):
        text = str(read.get("message") or read.get("error_message") or read.get("error") or "")
    elif "<html" in text.lower():
        text = ""
    return re.sub(r"\s+", " ", text).strip().rstrip(".")


def _refused(status: int, message: str, address: str, token: bool) -> Exception:
    because = f" It says: {message}." if message else ""
    if status == 401:
        remedy = (
            "The token may have expired, or be for another audience."
            if token
            else "Give a token with --token, or a file of one in KF_PIPELINES_SA_TOKEN_PATH."
        )
        accepted = "the token" if token else "requests without a token"
        return ServiceError(f"{address} does not accept {accepted}.{because} {remedy}")
    if status == 403:
        return ServiceError(
            f"{address} does not allow this.{because} Check whose token it is, and that "
            "--namespace is one that its owner may use."
        )
    if status == 409:
        return AlreadyThere(f"{address} has one of that name already.{because}")
    if status in (400, 413, 422):
        return ConfigError(f"{address} refuses it (status {status}).{because}")
    if status == 429 or status >= 500:
        return NoAnswer(f"{address} is in trouble (status {status}).{because} Try again later.")
    return ServiceError(f"{address} answers with status {status}.{because}")


def no_api(address: str) -> NotTheApi:
    """Return the error of an address at which there is no Kubeflow Pipelines."""
    remedy = "Check the address."
    if not address.endswith("/pipeline"):
        remedy = f"In a whole Kubeflow it is a level deeper: --host {address}/pipeline"
    return NotTheApi(f"There is no API of Kubeflow Pipelines at {address}. {remedy}")


def no_address(text: str) -> str:
    """Return the message for a text that is no address."""
    return f"--host {text} is not an address such as https://kubeflow.example/pipeline."


def log_in_page(address: str) -> NotTheApi:
    """Return the error of an address that answers with a page."""
    return NotTheApi(
        f"{address} answers with a page instead of data, perhaps to log in. Give a token with "
        "--token, or the address of the API with --host; in a whole Kubeflow that ends in "
        "/pipeline."
    )


def _unreachable(error: urllib3.exceptions.HTTPError, address: str) -> Exception:
    cause = getattr(error, "reason", None) or error
    text = str(cause)
    if isinstance(cause, urllib3.exceptions.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return ServiceError(
                f"The certificate of {address} is not one that is trusted here. Name the file of "
                "its authority with --ca-cert FILE.pem."
            )
        return ServiceError(
            f"{address} does not speak TLS, or no version of it that is spoken here. "
            f"Perhaps it is {address.replace('https://', 'http://', 1)}."
        )
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return ConfigError(no_address(address))
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        known = "name" not in text.lower() and "nodename" not in text.lower()
        why = "nothing listens there" if "refused" in text else "there is no way to it"
        why = why if known else "no such name is known"
    elif isinstance(cause, urllib3.exceptions.TimeoutError):
        why = "it does not answer in time"
    else:
        why = "the connection broke"
    return NoAnswer(f"{address} cannot be reached: {why}. Check the address, and the network.")
