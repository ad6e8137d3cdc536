"""A fake of the API server of Kubeflow Pipelines, release 2 or 3, that listens on 127.0.0.1.

It answers the requests that a submission sends. It stores what it receives, checks it as the real
server does, refuses it in the same words, and returns lists in pages. The test sets how runs go.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import ssl
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

_START_TIME = "2026-01-01T00:00:00Z"
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13, 503: 14}


class Refusal(Exception):  # noqa: N818 - a refusal is an answer here, not an error
    """An answer with a status other than 200.

    Attributes:
      status: HTTP status.
      body: content of the answer.
      content_type: its type.
    """

    def __init__(self, status: int, message: str, key: str = "message"):
        """`key` is the field in which the server puts the message."""
        super().__init__(message)
        self.status = status
        self.content_type = "application/json"
        body = {"error": message, "code": _GRPC_CODES[status], "message": message, "details": []}
        if key == "error_message":
            body = {"error_message": message, "error_details": message}
        self.body = json.dumps(body).encode()


class LogInPage(Refusal):
    """A page, as a proxy in front of the API would send it."""

    def __init__(self, status: int):
        super().__init__(400, "")
        self.status = status
        self.content_type = "text/html; charset=utf-8"
        self.body = b"<!doctype html><html><title>Log in</title></html>"


@dataclass
class FakeApi:
    """A fake of an installation's API that answers as it is configured.

    Attributes:
      prefix: path before /apis.
      version: version of the API, as in its paths.
      release: release of Kubeflow Pipelines: 2 has the tasks among the details of a run, 3 at an
        address of their own.
      multi_user: whether users have namespaces.
      token: the token that requests must have; None if they need none.
      namespaces: the namespaces that the owner of the token may use.
      page_size: largest number of items on a page of a list.
      log_in_page: status of the page that answers every request; None for the API.
      failing: number of requests to answer with status 503 before the next one is served.
      progress: state, task details and further fields of every run, one entry for each request.
      requests: "METHOD path" and query of each request.
      headers: headers of the latest request.
    """

    prefix: str = ""
    version: str = "v2beta1"
    release: int = 2
    multi_user: bool = False
    token: str | None = None
    namespaces: tuple[str, ...] = ()
    page_size: int = 2
    log_in_page: int | None = None
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
    _times_read: Counter[str] = field(default_factory=Counter)
    _tasks: dict[str, list[dict]] = field(default_factory=dict)

    def count_requests(self, request: str) -> int:
        """Return how many requests "METHOD path" there were."""
        return sum(received == request for received, _ in self.requests)

    def add_pipeline(self, name: str, namespace: str = "") -> dict[str, Any]:
        """Add a pipeline.

        Raises:
          Refusal: a pipeline of that name exists.
        """
        if (name, namespace) in ((p["name"], p["namespace"]) for p in self.pipelines):
            raise Refusal(409, f"Already exist error: The name {name} already exist.")
        names = {"name": name, "display_name": name, "namespace": namespace}
        self.pipelines.append({"pipeline_id": _id(), **names, "created_at": _START_TIME})
        return self.pipelines[-1]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """Return the answer to a request.

        Raises:
          Refusal: the request is refused.
        """
        if self.log_in_page is not None:
            raise LogInPage(self.log_in_page)
        root = f"{self.prefix}/apis/{self.version}/"
        if not path.startswith(root):
            raise Refusal(404, "Not Found")
        path = path.removeprefix(root)
        if path == "healthz":
            return {"multi_user": True} if self.multi_user else {}
        if self.failing:
            self.failing -= 1
            raise Refusal(503, "upstream connect error")
        if self.token and self.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unauthenticated: Request header error: there is no user identity.")
        if method == "GET":
            return self._get(path.split("/"), query)
        if method == "POST":
            return self._post(path, query, body)
        return self._delete(path.split("/"))

    def _get(self, path: list[str], query: dict[str, str]) -> Any:
        match path:
            case ["pipelines"]:
                return self._page("pipelines", self._in_namespace(self.pipelines, query), query)
            case ["pipelines", pipeline_id, "versions"]:
                self._get_known("Pipeline", self.pipelines, "pipeline_id", pipeline_id)
                versions = [v for v in self.versions if v["pipeline_id"] == pipeline_id]
                return self._page("pipeline_versions", versions, query)
            case ["experiments"]:
                return self._page("experiments", self._in_namespace(self.experiments, query), query)
            case ["runs", run_id]:
                return self.read_run(run_id)
            case ["runs", run_id, "tasks"] if self.release >= 3:
                return self._page("tasks", self._tasks[run_id], query)
            case ["recurringruns"]:
                experiment_id = query["experiment_id"]
                runs = [r for r in self.recurring_runs if r["experiment_id"] == experiment_id]
                return self._page("recurringRuns", runs, query)
        raise Refusal(404, "Not Found")

    def _post(self, path: str, query: dict[str, str], body: Any) -> Any:
        match path:
            case "pipelines":
                namespace = self._check_namespace(body.get("namespace", ""))
                return self.add_pipeline(body["display_name"], namespace)
            case "pipelines/upload_version":
                return self.upload_version(query, body)
            case "experiments":
                namespace = self._check_namespace(body.get("namespace", ""))
                self.experiments.append({**body, "experiment_id": _id(), "namespace": namespace})
                return self.experiments[-1]
            case "runs":
                self._check_run(body)
                self.runs.append({**body, "run_id": _id(), "state": "PENDING"})
                return self.runs[-1]
            case "recurringruns":
                self._check_run(body)
                self._check_recurring_run(body)
                self.recurring_runs.append({**body, "recurring_run_id": _id()})
                return self.recurring_runs[-1]
        raise Refusal(404, "Not Found")

    def _delete(self, path: list[str]) -> Any:
        match path:
            case ["recurringruns", run_id]:
                run = self._get_known(
                    "RecurringRun", self.recurring_runs, "recurring_run_id", run_id
                )
                self.recurring_runs.remove(run)
                return {}
        raise Refusal(404, "Not Found")

    def _in_namespace(self, items: list[dict], query: dict[str, str]) -> list[dict]:
        namespace = self._check_namespace(query.get("namespace", ""))
        return [item for item in items if item["namespace"] == namespace]

    def _check_namespace(self, namespace: str) -> str:
        if self.multi_user and not namespace:
            raise Refusal(400, "Invalid input error: a namespace cannot be empty.")
        if self.multi_user and namespace not in self.namespaces:
            raise Refusal(403, f"User 'ada' is not authorized in namespace {namespace}.")
        if not self.multi_user and namespace:
            raise Refusal(400, "Invalid input error: In single-user mode, namespace must be empty.")
        return namespace

    def _page(self, name: str, items: list[dict], query: dict[str, str]) -> dict[str, Any]:
        for predicate in json.loads(query.get("filter") or "{}").get("predicates", []):
            if predicate["operation"] != "EQUALS":
                raise Refusal(400, f"Invalid input error: {predicate['operation']}.")
            key, value = predicate["key"], predicate["stringValue"]
            items = [item for item in items if item[key] == value]
        start = int(query.get("page_token") or 0)
        end = start + min(self.page_size, int(query.get("page_size") or 20))
        page = {name: items[start:end], "total_size": len(items)}
        return {**page, "next_page_token": str(end)} if end < len(items) else page

    def _get_known(self, kind: str, items: list[dict], key: str, value: str) -> dict[str, Any]:
        for item in items:
            if item[key] == value:
                return item
        raise Refusal(404, f"ResourceNotFoundError: {kind} {value} not found.")

    def upload_version(self, query: dict[str, str], upload: tuple[str, bytes]) -> dict[str, Any]:
        file_name, content = upload
        pipeline = self._get_known("Pipeline", self.pipelines, "pipeline_id", query["pipelineid"])
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
        names = {"pipeline_id": ids[0], "display_name": ids[1], "pipeline_version_id": _id()}
        self.versions.append({**names, "pipeline_spec": spec})
        return self.versions[-1]

    def _check_run(self, run: dict[str, Any]) -> None:
        self._get_known("Experiment", self.experiments, "experiment_id", run["experiment_id"])
        reference = run["pipeline_version_reference"]
        version = self._get_known(
            "PipelineVersion",
            self.versions,
            "pipeline_version_id",
            reference["pipeline_version_id"],
        )
        if version["pipeline_id"] != reference["pipeline_id"] or not run["display_name"]:
            raise Refusal(400, "Invalid input error: pipeline_version_reference.")

    def _check_recurring_run(self, run: dict[str, Any]) -> None:
        if not 1 <= int(run["max_concurrency"]) <= 10:
            raise Refusal(400, "Invalid input error: Max concurrency is out of range.")
        if len(run["trigger"]["cron_schedule"]["cron"].split()) not in (5, 6):
            raise Refusal(400, "Invalid input error: Schedule cron is not a supported format.")

    def read_run(self, run_id: str) -> dict[str, Any]:
        run = self._get_known("Run", self.runs, "run_id", run_id)
        state, details, more = self.progress[min(self._times_read[run_id], len(self.progress) - 1)]
        self._times_read[run_id] += 1
        if self.release >= 3:
            self._tasks[run_id] = details
            return {**run, "state": state, "task_count": len(details), **more}
        return {**run, "state": state, "run_details": {"task_details": details}, **more}


def task(name: str, state: str, seconds: int | None = None, **more) -> dict[str, Any]:
    """Return the details of a task as the server writes them.

    Args:
      name: name of the task.
      state: RUNNING, SUCCEEDED and so on.
      seconds: its duration; None if it has not ended.
      more: other fields.
    """
    end = "1970-01-01T00:00:00Z" if seconds is None else f"2026-01-01T00:00:{seconds:02}Z"
    moments = {"create_time": _START_TIME, "start_time": _START_TIME, "end_time": end}
    return {"task_id": f"id-{name}", "display_name": name, "state": state, **moments, **more}


def task_of_release_3(name: str, state: str, end: int | None = None, **more) -> dict[str, Any]:
    """Return a task as a server of release 3 writes it, with its states instead of its start.

    Args:
      name: name of the task.
      state: RUNNING, SUCCEEDED, CACHED and so on.
      end: when it ended, in seconds; None if it has not ended. It ran from second 2 on.
      more: other fields.
    """
    history = [{"state": "RUNNING", "update_time": "2026-01-01T00:00:02Z"}]
    ended = {} if end is None else {"end_time": f"2026-01-01T00:00:{end:02}Z"}
    fields = {"name": name, "display_name": name, "task_id": f"id-{name}", "type": "RUNTIME"}
    times = {"create_time": _START_TIME, "state_history": history}
    return {**fields, "state": state, **times, **ended, **more}


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
        """Log nothing."""

    def _answer(self) -> None:
        api: FakeApi = self.server.api
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        api.headers = {key.lower(): value for key, value in self.headers.items()}
        api.requests.append((f"{self.command} {parts.path}", query))
        try:
            body = json.dumps(
                api.answer(self.command, parts.path, query, self._body(content))
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
        """Return the JSON of a body, or name and content of an uploaded file."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return json.loads(content) if content else None
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + content)
        for form_field in message.iter_parts():
            if form_field.get_param("name", header="content-disposition") == "uploadfile":
                return form_field.get_filename(), form_field.get_payload(decode=True)
        raise _upload_refusal("Failed to read pipeline from file")


class FakeApiServer:
    """A fake of the API server that serves a `FakeApi` until its context ends."""

    def __init__(self, api: FakeApi, certificate: str | None = None):
        """`certificate` is a PEM file with key and certificate, for TLS."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.api = api
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        port = self._server.server_address[1]
        api.url = f"{scheme}://127.0.0.1:{port}{api.prefix}"
        self._api = api

    def __enter__(self) -> FakeApi:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self._api

    def __exit__(self, *exception) -> None:
        self._server.shutdown()
        self._server.server_close()
