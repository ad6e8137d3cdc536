"""Versions that come, go or are broken while a server answers, and the end of a server."""

import json
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.serving.server import NAME, SECONDS, Server
from trainer.export.model_card import (
    MODEL_CARD,
    describe_files,
    read_model_card,
    write_model_card,
)

pytestmark = pytest.mark.slow

URL = f"/v2/models/{NAME}/infer"
CLIENTS = 4


@pytest.fixture(scope="module")
def serving(models, tmp_path_factory) -> Path:
    serving = tmp_path_factory.mktemp("serving")
    models.push(1, serving, 1)
    return serving


@pytest.fixture(scope="module")
def server(serving, start) -> Server:
    """Later tests find the versions that earlier tests have left."""
    server = start(serving, "--poll-seconds", "0.1", "--log-format", "json", "--label", "first=1")
    return server.wait_until_ready()


def ask(url: str, models) -> tuple[int, str, np.ndarray]:
    """Send the images in one request; return status, version and probabilities."""
    tensor = {"name": "spectrograms", "datatype": "UINT8", "shape": list(models.levels.shape)}
    head = json.dumps(
        {
            "inputs": [{**tensor, "parameters": {"binary_data_size": models.levels.nbytes}}],
            "outputs": [{"name": "probabilities"}],
        }
    ).encode()
    answer = httpx.post(
        url + URL,
        content=head + models.levels.tobytes(),
        headers={"Inference-Header-Content-Length": str(len(head))},
        timeout=SECONDS,
    )
    content = answer.json()
    return answer.status_code, content["model_version"], np.array(content["outputs"][0]["data"])


def wait_for_version(server: Server, version: int) -> None:
    """Wait until the newest version is this one."""
    deadline = time.monotonic() + SECONDS
    while server.read_metric("radio_signals_model_version") != version:
        assert time.monotonic() < deadline, server.lines
        time.sleep(0.05)


def list_states(server: Server) -> dict[str, str]:
    status = server.get(f"/v1/models/{NAME}").json()["model_version_status"]
    return {each["version"]: each["state"] for each in status}


def test_a_new_version_takes_over_under_load_without_a_failed_request(server, serving, models):
    done = threading.Event()

    def keep_asking() -> list[tuple[int, str, np.ndarray]]:
        answers = []
        while not done.is_set():
            answers.append(ask(server.url, models))
        return answers

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(keep_asking) for _ in range(CLIENTS)]
        try:
            models.push(2, serving, 2)
            wait_for_version(server, 2)
            for _ in range(CLIENTS):
                ask(server.url, models)
        finally:
            done.set()
        asked = [client.result() for client in clients]
    for answers in asked:
        assert {status for status, _, _ in answers} == {200}
        versions = [int(version) for _, version, _ in answers]
        assert versions == sorted(versions)
        assert {versions[0], versions[-1]} == {1, 2}
        for _, version, probabilities in answers:
            expected = models.answers[int(version)]["probabilities"].ravel()
            np.testing.assert_allclose(probabilities, expected, rtol=1e-5)


def test_both_versions_answer_by_number_and_by_label(server, models):
    body = {"signature_name": "classify_spectrograms", "inputs": models.spectrograms.tolist()}
    for which, number in {
        "": 2,
        "/versions/1": 1,
        "/versions/2": 2,
        "/labels/latest": 2,
        "/labels/previous": 1,
        "/labels/first": 1,
    }.items():
        outputs = server.predict(body, which).json()["outputs"]
        np.testing.assert_allclose(
            outputs["probabilities"], models.answers[number]["probabilities"], rtol=1e-5
        )


def cut_variables(model: Path) -> str:
    (data,) = model.glob("variables/variables.data*")
    data.write_bytes(data.read_bytes()[:-1])
    return f"variables/{data.name} is damaged"


def remove_card(model: Path) -> str:
    shutil.rmtree(model / "assets.extra")
    return "assets.extra/model.json is missing"


def replace_graph(model: Path) -> str:
    """What is no graph was exported as it is."""
    (model / "saved_model.pb").write_bytes(b"no graph")
    card = read_model_card(str(model))
    files = describe_files(str(model))
    del files[MODEL_CARD]
    write_model_card(str(model), {**card, "files": files})
    return "TensorFlow cannot load it: "


@pytest.mark.parametrize("damage", [cut_variables, remove_card, replace_graph])
def test_a_broken_version_is_refused_once_and_the_old_one_stays(
    server, serving, models, tmp_path, damage
):
    failures = server.read_metric("radio_signals_model_load_failures_total")
    # Not links to the files of the models, which others need whole.
    broken = shutil.copytree(models.folder / "model-2", tmp_path / "broken")
    message = f"{serving / '3'} cannot be served because {damage(broken)}"
    broken.rename(serving / "3")
    line = json.loads(server.wait_for_line(json.dumps(message)[1:-1]))
    assert line["level"] == "ERROR"
    assert line["message"].endswith(" Remove this folder, or push the model again.")
    status, version, _ = ask(server.url, models)
    assert (status, version) == (200, "2")
    assert list_states(server) == {"3": "END", "2": "AVAILABLE", "1": "AVAILABLE"}
    # Another version is seen only after another look at the folder.
    (serving / "3").rename(tmp_path / "away")
    models.push(1, serving, 4)
    wait_for_version(server, 4)
    shutil.rmtree(serving / "4")
    wait_for_version(server, 2)
    assert sum(json.dumps(message)[1:-1] in line for line in server.lines) == 1
    assert server.read_metric("radio_signals_model_load_failures_total") == failures + 1
    assert list_states(server) == {"2": "AVAILABLE", "1": "AVAILABLE"}


def test_the_newest_two_stay_and_labelled_ones_others_are_not_found(server, serving, models):
    models.push(2, serving, 5)
    models.push(1, serving, 6)
    wait_for_version(server, 6)
    server.wait_for_line("loaded: 6, 5, 1")
    assert list_states(server) == dict.fromkeys("651", "AVAILABLE")
    refused = server.predict({}, "/versions/2")
    assert (refused.status_code, refused.json()) == (
        404,
        {"error": "Version 2 is not loaded. Loaded versions: 6, 5, 1."},
    )


def test_requests_are_logged_as_json(server):
    path = f"/v1/models/{NAME}/labels/none"
    server.get(path)
    line = json.loads(server.wait_for_line(f'"path": "{path}"'))
    assert line.pop("time").endswith("+00:00")
    assert line["message"] == f"127.0.0.1 GET {path} 404 {line['milliseconds']:.1f} ms"
    assert {key: line[key] for key in ("level", "client", "method", "status")} == {
        "level": "INFO",
        "client": "127.0.0.1",
        "method": "GET",
        "status": 404,
    }


def test_term_ends_it_after_the_requests_that_it_has_accepted(server):
    body = json.dumps({"inputs": []}).encode()
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
        head = f"POST {URL} HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue")  # it is accepted
        server.process.terminate()
        wait_until_closed(host, int(port))
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert server.process.wait(SECONDS) == 0
    server.wait_for_line('"message": "ended"')


def wait_until_closed(host: str, port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError("it still lets clients in")


def test_it_can_wait_for_the_first_model(start, models, tmp_path):
    server = start(tmp_path, "--wait", "--poll-seconds", "0.1").wait_until_ready()
    assert f"Waiting for the first model in {tmp_path}" in server.lines
    assert server.get("/v2/health/live").status_code == 200
    for refused in (server.get("/v2/health/ready"), server.predict({}), server.get("/page/model")):
        assert refused.status_code == 503
    assert refused.json() == {"error": f"No version of the model is loaded from {tmp_path} yet."}
    assert refused.headers["Retry-After"] == "1"
    models.push(1, tmp_path, 1)
    server.wait_for_line("version 1 answers; loaded: 1")
    assert server.get("/v2/health/ready").status_code == 200


def test_without_a_model_it_does_not_start(start, tmp_path):
    server = start(tmp_path / "nothing")
    assert server.process.wait(SECONDS) == 2
    assert server.wait_for_line("Error: ") == (
        f"Error: {tmp_path / 'nothing'} holds no model that can be served. Push one with "
        "`radio-signals run`, give another folder with --serving, or wait for the first with "
        "--wait."
    )
