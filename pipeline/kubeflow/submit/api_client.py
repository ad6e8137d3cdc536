"""Requests to the API of Kubeflow Pipelines, version v2beta1 or v2.

`kfp.Client` is not used: it keeps a namespace and cookies in the user's home, waits without a time
limit, and mistakes a log-in page for an answer. The services of kfp_server_api are not used either,
because each release names their methods differently. All of these send their requests through
`kfp_server_api.ApiClient`, which is the same in every release, so this module uses it directly.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import kfp_server_api
import urllib3  # type: ignore[import-untyped]  # Only urllib3 2 has types.

from pipeline.kubeflow.submit.api_errors import (
    NotFoundError,
    explain_error,
    make_log_in_page_error,
    make_no_api_error,
)
from pipeline.kubeflow.submit.run_status import RunStatus, read_status, read_task_details

# Seconds to wait for a connection, and for the next bytes of an answer.
_TIMEOUT = (10, 60)
_PAGE_SIZE = 100
# Of the API. Release 3 names it v2; releases 2 answer only the first name.
_VERSIONS = ("v2beta1", "v2")
# What can be found by name, and the field of an answer that lists it.
_LISTS = {
    "Pipeline": "pipelines",
    "PipelineVersion": "pipeline_versions",
    "Experiment": "experiments",
    "RecurringRun": "recurring_runs",
}


class KubeflowClient(kfp_server_api.ApiClient):
    """Sends requests to one installation.

    Every method raises a ConfigError if the installation refuses what was sent, and a ServiceError
    if it does not answer or does not do what was asked.
    """

    def __init__(self, configuration: kfp_server_api.Configuration) -> None:
        # By default, urllib3 tries three times. `follow_run` repeats the requests that matter.
        configuration.retries = 0
        super().__init__(configuration)
        self._address = configuration.host
        self._version = _VERSIONS[0]
        self._lists_tasks = True
        self._sends_token = "authorization" in configuration.api_key

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Send a request with a time limit, and refuse a page as the answer.

        All other methods of the base class send their requests through this one.
        """
        options["_request_timeout"] = _TIMEOUT
        response = super().request(method, url, **options)
        # A log-in page comes with status 200, and the base class would read it as an empty answer.
        if "html" in _get_content_type(response):
            raise make_log_in_page_error(self._address)
        return response

    def is_multi_user(self) -> bool:
        """Return whether every user of the installation has a namespace.

        Raises:
          NotTheApiError: something other than Kubeflow Pipelines answers.
        """
        for self._version in _VERSIONS:
            try:
                health = self._call("GET", "healthz", "V2beta1GetHealthzResponse")
                break
            except NotFoundError:
                continue
        else:
            raise make_no_api_error(self._address)
        if "json" not in _get_content_type(self.last_response):
            raise make_no_api_error(self._address)
        return bool(health.multi_user)

    def find(self, kind: str, path: str, name: str, **query: str) -> list[Any]:
        """Return everything at a path that has the given name.

        Args:
          kind: a key of `_LISTS`.
          path: the path below /apis/VERSION that lists things of this kind.
          name: the display name.
          query: further parameters of the address.
        """
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        query["filter"] = json.dumps({"predicates": [predicate]})
        matches: list[Any] = []
        page_token = ""  # nosec B105 # of a page of results
        while True:
            page_query = {**query, "page_size": _PAGE_SIZE, "page_token": page_token}
            page = self._call("GET", path, f"V2beta1List{kind}sResponse", query=page_query)
            items = getattr(page, _LISTS[kind]) or ()
            matches += [item for item in items if item.display_name == name]
            page_token = page.next_page_token
            if not page_token:
                return matches

    def create(self, kind: str, path: str, fields: Mapping[str, Any]) -> Any:
        """Create something, for example a Run at runs."""
        return self._call("POST", path, f"V2beta1{kind}", body=fields)

    def upload_version(self, pipeline_id: str, name: str, package: bytes) -> Any:
        """Upload a package as a new version of a pipeline."""
        return self._call(
            "POST",
            "pipelines/upload_version",
            "V2beta1PipelineVersion",
            query={"name": name, "pipelineid": pipeline_id},
            file=("pipeline.yaml", package),
        )

    def get_run(self, run_id: str) -> RunStatus:
        """Return a run and its tasks, from whichever of the two APIs has them."""
        run = self._call("GET", f"runs/{run_id}", "object")
        tasks = read_task_details(run)
        if not tasks and self._lists_tasks:
            try:
                tasks = self._list_tasks(run_id)
            except NotFoundError:
                self._lists_tasks = False
        return read_status(run, tasks)

    def _list_tasks(self, run_id: str) -> list[Any]:
        tasks: list[Any] = []
        page_token = ""  # nosec B105 # of a page of results
        while True:
            query = {"page_size": _PAGE_SIZE, "page_token": page_token}
            page = self._call("GET", f"runs/{run_id}/tasks", "object", query=query)
            tasks += page.get("tasks") or ()
            page_token = page.get("next_page_token") or ""
            if not page_token:
                return tasks

    def delete_recurring_run(self, recurring_run_id: str) -> None:
        """Delete a recurring run. The runs that it started stay."""
        self._call("DELETE", f"recurringruns/{recurring_run_id}", "object")

    def _call(
        self,
        method: str,
        path: str,
        answer: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: tuple[str, bytes] | None = None,
    ) -> Any:
        """Return the answer to a request, as the class `answer` of kfp_server_api."""
        headers = {"Accept": "application/json"}
        if file:
            headers["Content-Type"] = "multipart/form-data"
        try:
            with warnings.catch_warnings():
                # kfp_server_api calls a method that urllib3 2 deprecates.
                warnings.simplefilter("ignore", DeprecationWarning)
                return self.call_api(
                    f"/apis/{self._version}/{path}",
                    method,
                    query_params=list((query or {}).items()),
                    header_params=headers,
                    body=body,
                    post_params=[("uploadfile", file)] if file else None,
                    response_type=answer,
                    auth_settings=["Bearer"],
                    _return_http_data_only=True,
                )
        except (kfp_server_api.ApiException, urllib3.exceptions.HTTPError) as error:
            raise explain_error(error, self._address, self._sends_token) from error


def _get_content_type(response: Any) -> str:
    return str(response.urllib3_response.headers.get("content-type", ""))
