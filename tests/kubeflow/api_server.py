"""The API of Kubeflow Pipelines, v2beta1, as far as a submission needs it, on 127.0.0.1.

It keeps what it is sent, checks it as the real server does and refuses it in the same words, and
answers by pages. Runs go as a test has written them down beforehand.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import ssl
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

_BEGINNING = "2026-01-01T00:00:00Z"
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13, 503: 14}


class Refusal(Exception):
    """An answer other than 200.

    Attributes:
      status: HTTP status.
      body: what is sent.
      content_type: of it.
    """

    def __init__(self, status: int, message: str, key: str = "message"):
        """Constructs a refusal; `key` is where the server puts the message."""
        super().__init__(message)
        self.status = status
        self.content_type = "application/json"
        body = {"error": message, "code": _GRPC_CODES[status], "message": message, "details": []}
        if key == "error_message":
            body = {"error_message": message, "error_details": message}
        self.body = json.dumps(body).encode()


class PageInstead(Refusal):
    """What answers is not the API: a page."""

    def __init__(self, status: int = 200):
        """Constructs a page."""
        super().__init__(400, "")
        self.status = status
        self.content_type = "text/html; charset=utf-8"
        self.body = b"<!doctype html><html><title>Log in</title></html>"


@dataclass
class Installation:
    """What an installation is like, and what it has been sent.

    Attributes:
      prefix: path before /apis.
      multi_user: whether users have namespaces.
      token: that is asked for, None if none is.
      namespaces: that the token may use.
      page_size: most that is listed at once.
      page_instead: status of the page by which everything is answered, None for the API.
      failing: requests that are to be answered with 503 before the next is served.
      progress: of every run, one entry a look: (state, task details, other fields of the run).
      requests: "METHOD path" of every request, and its query.
      headers: of the latest request.
    """

    prefix: str = ""
    multi_user: bool = False
    token: str | None = None
    namespaces: tuple[str, ...] = ()
    page_size: int = 2
    page_instead: int | None = None
    failing: int = 0
    progress: list[tuple[str, list[dict], dict]] = field(
        default_factory=lambda: [("SUCCEEDED", [], {})]
    )
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    recurring_runs: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _looks: dict[str, int] = field(default_factory=dict)

    def asked(self, request: str) -> int:
        """Return how often "METHOD path" was asked for."""
        return sum(one == request for one, _ in self.requests)

    def add_pipeline(self, name: str, namespace: str = "") -> dict[str, Any]:
        """Add a pipeline.

        Raises:
          Refusal: there is one of the name.
        """
        taken = ((p["name"], p["namespace"]) for p in self.pipelines)
        if (name, namespace) in taken:
            raise Refusal(409, f"Already exist error: The name {name} already exist.")
        names = {"name": name, "display_name": name, "namespace": namespace}
        self.pipelines.append({"pipeline_id": _id(), **names, "created_at": _BEGINNING})
        return self.pipelines[-1]

    def serve(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """Return the answer to a request.

        Raises:
          Refusal: it is refused.
        """
        if self.page_instead is not None:
            raise PageInstead(self.page_instead)
        if not path.startswith(f"{self.prefix}/apis/v2beta1/"):
            raise Refusal(404, "Not Found")
        what = path.removeprefix(f"{self.prefix}/apis/v2beta1/")
        if what == "healthz":
            return {"multi_user": True} if self.multi_user else {}
        if self.failing:
            self.failing -= 1
            raise Refusal(503, "upstream connect error")
        self._authorize()
        parts = what.split("/")
        match method, parts:
            case "GET", ["pipelines"]:
                here = self._namespace(query.get("namespace", ""))
                return self._page(
                    "pipelines", [p for p in self.pipelines if p["namespace"] == here], query
                )
            case "POST", ["pipelines"]:
                here = self._namespace(body.get("namespace", ""))
                return self.add_pipeline(body["display_name"], here)
            case "GET", ["pipelines", of, "versions"]:
                self._known("Pipeline", self.pipelines, "pipeline_id", of)
                return self._page(
                    "pipeline_versions", [v for v in self.versions if v["pipeline_id"] == of], query
                )
            case "POST", ["pipelines", "upload_version"]:
                return self._upload_version(query, body)
            case "GET", ["experiments"]:
                here = self._namespace(query.get("namespace", ""))
                return self._page(
                    "experiments", [e for e in self.experiments if e["namespace"] == here], query
                )
            case "POST", ["experiments"]:
                here = self._namespace(body.get("namespace", ""))
                self.experiments.append({**body, "experiment_id": _id(), "namespace": here})
                return self.experiments[-1]
            case "POST", ["runs"]:
                self._check_run(body)
                self.runs.append({**body, "run_id": _id(), "state": "PENDING"})
                return self.runs[-1]
            case "GET", ["runs", run_id]:
                return self._look(run_id)
            case "GET", ["recurringruns"]:
                of = query["experiment_id"]
                of_it = [r for r in self.recurring_runs if r["experiment_id"] == of]
                return self._page("recurringRuns", of_it, query)
            case "POST", ["recurringruns"]:
                self._check_run(body)
                self._check_recurring(body)
                self.recurring_runs.append({**body, "recurring_run_id": _id()})
                return self.recurring_runs[-1]
            case "DELETE", ["recurringruns", of]:
                self.recurring_runs.remove(
                    self._known("RecurringRun", self.recurring_runs, "recurring_run_id", of)
                )
                return {}
        raise Refusal(404, "Not Found")

    def _authorize(self) -> None:
        if self.token and self.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unauthenticated: Request header error: there is no user identity.")

    def _namespace(self, namespace: str) -> str:
        if self.multi_user and not namespace:
            raise Refusal(400, "Invalid input error: a namespace cannot be empty.")
        if self.multi_user and namespace not in self.namespaces:
            raise Refusal(403, f"User 'ada' is not authorized in namespace {namespace}.")
        if not self.multi_user and namespace:
            raise Refusal(400, "Invalid input error: In single-user mode, namespace must be empty.")
        return namespace

    def _page(self, name: str, found: list[dict], query: dict[str, str]) -> dict[str, Any]:
        for predicate in json.loads(query.get("filter") or "{}").get("predicates", []):
            if predicate["operation"] not in (1, "EQUALS"):
                raise Refusal(400, f"Invalid input error: {predicate['operation']}.")
            wanted = predicate.get("stringValue", predicate.get("string_value"))
            found = [one for one in found if one[predicate["key"]] == wanted]
        start = int(query.get("page_token") or 0)
        end = start + min(self.page_size, int(query.get("page_size") or 20))
        answer = {name: found[start:end], "total_size": len(found)}
        return {**answer, "next_page_token": str(end)} if end < len(found) else answer

    def _known(self, kind: str, among: list[dict], key: str, value: str) -> dict[str, Any]:
        for one in among:
            if one[key] == value:
                return one
        raise Refusal(404, f"ResourceNotFoundError: {kind} {value} not found.")

    def _upload_version(self, query: dict[str, str], upload: tuple[str, bytes]) -> dict[str, Any]:
        file_name, content = upload
        pipeline = self._known("Pipeline", self.pipelines, "pipeline_id", query["pipelineid"])
        if not re.search(r"\.(ya?ml|zip|tar\.gz)$", file_name):
            raise _upload_refusal("Unexpected pipeline file format.")
        specs = [s for s in yaml.safe_load_all(content) if s and "platforms" not in s]
        if len(specs) != 1:
            raise _upload_refusal("unknown template format: pipeline spec is invalid")
        (spec,) = specs
        if spec.get("schemaVersion") != "2.1.0":
            raise _upload_refusal(
                "Invalid input error: KFP only supports schema version 2.1.0, but the pipeline "
                f"specification has version {spec.get('schemaVersion')}"
            )
        if not spec["pipelineInfo"]["name"] or not spec["root"]:
            raise _upload_refusal("invalid v2 pipeline spec")
        ids = pipeline["pipeline_id"], query["name"]
        if any((v["pipeline_id"], v["display_name"]) == ids for v in self.versions):
            raise Refusal(409, "Failed to create a pipeline version", "error_message")
        made = {"pipeline_id": ids[0], "display_name": ids[1], "pipeline_version_id": _id()}
        self.versions.append({**made, "pipeline_spec": spec})
        return self.versions[-1]

    def _check_run(self, run: dict[str, Any]) -> None:
        self._known("Experiment", self.experiments, "experiment_id", run["experiment_id"])
        reference = run["pipeline_version_reference"]
        version = self._known(
            "PipelineVersion",
            self.versions,
            "pipeline_version_id",
            reference["pipeline_version_id"],
        )
        if version["pipeline_id"] != reference["pipeline_id"] or not run["display_name"]:
            raise Refusal(400, "Invalid input error: pipeline_version_reference.")

    def _check_recurring(self, run: dict[str, Any]) -> None:
        if not 1 <= int(run["max_concurrency"]) <= 10:
            raise Refusal(400, "Invalid input error: Max concurrency is out of range.")
        if len(run["trigger"]["cron_schedule"]["cron"].split()) not in (5, 6):
            raise Refusal(400, "Invalid input error: Schedule cron is not a supported format.")

    def _look(self, run_id: str) -> dict[str, Any]:
        run = self._known("Run", self.runs, "run_id", run_id)
        look = min(self._looks.get(run_id, 0), len(self.progress) - 1)
        self._looks[run_id] = look + 1
        state, details, more = self.progress[look]
        return {**run, "state": state, "run_details": {"task_details": details}, **more}


def task(name: str, state: str, seconds: int | None = None, **more) -> dict[str, Any]:
    """Return a task of a run's details as the server writes one.

    Args:
      name: of it.
      state: RUNNING, SUCCEEDED and so on.
      seconds: that it took, None if it has not ended.
      more: other fields.
    """
    end = "1970-01-01T00:00:00Z" if seconds is None else f"2026-01-01T00:00:{seconds:02}Z"
    moments = {"create_time": _BEGINNING, "start_time": _BEGINNING, "end_time": end}
    return {"task_id": f"id-{name}", "display_name": name, "state": state, **moments, **more}


def _upload_refusal(message: str) -> Refusal:
    return Refusal(400, message, "error_message")


def _id() -> str:
    return str(uuid.uuid4())


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *arguments) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        installation: Installation = self.server.installation
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        installation.headers = {key.lower(): value for key, value in self.headers.items()}
        installation.requests.append((f"{self.command} {parts.path}", query))
        try:
            body = json.dumps(
                installation.serve(self.command, parts.path, query, self._body(content))
            ).encode()
            status, content_type = 200, "application/json"
        except Refusal as refusal:
            status, content_type, body = refusal.status, refusal.content_type, refusal.body
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self, content: bytes) -> Any:
        """Return a JSON body read, or name and content of an uploaded file."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return json.loads(content) if content else None
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + content)
        for part in message.iter_parts():
            if part.get_param("name", header="content-disposition") == "uploadfile":
                return part.get_filename(), part.get_payload(decode=True)
        raise _upload_refusal("Failed to read pipeline from file")


class ApiServer:
    """An installation, served while the context lasts."""

    def __init__(self, installation: Installation, certificate: str | None = None):
        """Constructs the server.

        Args:
          installation: what it is like.
          certificate: PEM file of key and certificate, for TLS.
        """
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.installation = installation
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        port = self._server.server_address[1]
        installation.url = f"{scheme}://127.0.0.1:{port}{installation.prefix}"
        self._installation = installation

    def __enter__(self) -> Installation:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self._installation

    def __exit__(self, *exception) -> None:
        self._server.shutdown()
        self._server.server_close()
