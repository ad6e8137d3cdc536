"""Both protocols, as existing clients speak them, to a server in a process of its own."""

import base64
import itertools
import json

import numpy as np
import pytest
import tritonclient.http as triton

from data.example_features import IMAGE
from pipeline.serving.page import routes as page_routes
from pipeline.serving.protocols import open_inference, tensorflow_serving
from tests.serving.server import NAME, Server
from tests.serving.small_models import CLASSES, HEIGHT, WIDTH

V1, V2 = f"/v1/models/{NAME}", f"/v2/models/{NAME}"
PIXELS = HEIGHT * WIDTH
VERSION = 7

MAKERS = (
    page_routes.make_routes,
    tensorflow_serving.make_routes,
    open_inference.make_routes,
)

# What TensorFlow Serving writes of a tensor.
SIGNATURE_INPUTS = {
    "serving_default": ("examples", "DT_STRING", ["-1"]),
    "classify_spectrograms": ("spectrograms", "DT_FLOAT", ["-1", str(HEIGHT), str(WIDTH)]),
}


@pytest.fixture(scope="module")
def server(models, start, tmp_path_factory) -> Server:
    serving = tmp_path_factory.mktemp("serving")
    models.push(1, serving, VERSION)
    return start(serving).wait_until_ready()


@pytest.fixture
def client(server) -> triton.InferenceServerClient:
    with triton.InferenceServerClient(server.address) as client:
        yield client


def make_example(levels: np.ndarray) -> bytes:
    """Serialise a tf.Example by hand: field 1 of each message, wire type 2, with its length."""

    def field(number: int, content: bytes) -> bytes:
        length, size = len(content), b""
        while length > 127:
            size += bytes([length & 127 | 128])
            length >>= 7
        return bytes([number << 3 | 2]) + size + bytes([length]) + content

    feature = field(1, field(1, levels.tobytes()))
    return field(1, field(1, field(1, IMAGE.encode()) + field(2, feature)))


def encode(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


def assert_equal(found, answers) -> None:
    """Compare outputs by name, as lists, with the answers of TensorFlow alone."""
    assert set(found) == set(answers)
    assert list(found["class"]) == answers["class"].tolist()
    for name in ("probabilities", "score"):
        np.testing.assert_allclose(found[name], answers[name], rtol=1e-5)


def test_the_start_is_announced_with_version_classes_and_addresses(server):
    # Newer releases of TensorFlow write a line about GPUs before it.
    lines = itertools.dropwhile(lambda line: "answers" not in line, server.lines)
    loaded, serving, *addresses = itertools.islice(lines, 4)
    assert loaded.endswith(f" version {VERSION} answers; loaded: {VERSION}")
    assert serving.startswith(f"Serving {NAME}, version {VERSION}, from ")
    assert serving.endswith(f": {HEIGHT} x {WIDTH}, stripe, dot, nothing")
    assert addresses == [
        f"page     {server.url}/",
        f"v1       {server.url}{V1}:predict",
    ]


# TensorFlow Serving's REST API.


@pytest.mark.parametrize("which", ["", f"/versions/{VERSION}", "/labels/latest"])
def test_v1_names_the_state_of_versions_as_tensorflow_serving_does(server, which):
    assert server.get(V1 + which).json() == {
        "model_version_status": [
            {
                "version": str(VERSION),
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


@pytest.mark.parametrize("which", ["", f"/versions/{VERSION}", "/labels/latest"])
def test_v1_describes_the_signatures_as_tensorflow_serving_does(server, which):
    metadata = server.get(f"{V1}{which}/metadata").json()
    assert metadata["model_spec"] == {
        "name": NAME,
        "signature_name": "",
        "version": str(VERSION),
    }
    definitions = metadata["metadata"]["signature_def"]["signature_def"]
    for signature, (name, dtype, sizes) in SIGNATURE_INPUTS.items():
        definition = definitions[signature]
        assert definition["inputs"] == {
            name: {
                "dtype": dtype,
                "name": f"{signature}_{name}:0",
                "tensor_shape": {
                    "dim": [{"size": size, "name": ""} for size in sizes],
                    "unknown_rank": False,
                },
            }
        }
        assert set(definition["outputs"]) == {"probabilities", "class", "score"}
        assert definition["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize("which", ["", f"/versions/{VERSION}", "/labels/latest"])
def test_v1_answers_rows_in_rows(server, models, which):
    instances = models.spectrograms.tolist()
    body = {"signature_name": "classify_spectrograms", "instances": instances}
    predictions = server.predict(body, which).json()["predictions"]
    columns = {name: [row[name] for row in predictions] for name in predictions[0]}
    assert_equal(columns, models.answers[1])


def test_v1_answers_columns_in_columns(server, models):
    images = models.spectrograms.tolist()
    for inputs in (images, {"spectrograms": images}):
        body = {"signature_name": "classify_spectrograms", "inputs": inputs}
        assert_equal(server.predict(body).json()["outputs"], models.answers[1])


def test_v1_takes_objects_with_the_name_of_the_input(server, models):
    instances = [{"spectrograms": image} for image in models.spectrograms.tolist()]
    body = {"signature_name": "classify_spectrograms", "instances": instances}
    predictions = server.predict(body).json()["predictions"]
    assert [row["class"] for row in predictions] == models.answers[1]["class"].tolist()


def test_v1_reads_serialised_examples_by_default(server, models):
    examples = [encode(make_example(levels)) for levels in models.levels]
    assert_equal(server.predict({"inputs": examples}).json()["outputs"], models.answers[1])
    for instances in (examples, [{"examples": example} for example in examples]):
        rows = server.predict({"instances": instances}).json()["predictions"]
        assert [row["class"] for row in rows] == models.answers[1]["class"].tolist()


def test_v1_classifies_features_written_as_json(server, models):
    examples = [{IMAGE: encode(levels.tobytes()), "row": 3} for levels in models.levels]
    body = {"signature_name": "serving_default", "context": {"file": "a"}, "examples": examples}
    results = server.post(f"{V1}:classify", body).json()["results"]
    assert [[label for label, _ in pairs] for pairs in results] == [list(CLASSES)] * len(examples)
    probabilities = [[score for _, score in pairs] for pairs in results]
    np.testing.assert_allclose(probabilities, models.answers[1]["probabilities"], rtol=1e-5)


def row(value) -> dict:
    image = np.full((HEIGHT, WIDTH), 0.5).tolist()
    image[2][5] = value
    return {"signature_name": "classify_spectrograms", "instances": [image]}


SHAPE = f" An instance has the shape [{HEIGHT}, {WIDTH}]."
MALFORMED = {
    "no object": (b"[1, 2]", "$: a list of 2 where an object is expected."),
    "neither": ({}, "$: the object holds neither instances nor inputs. Give one of the two."),
    "both": (
        {"instances": [], "inputs": []},
        "$: the object holds both instances and inputs. Give one of the two.",
    ),
    "no instance": (
        {"instances": []},
        "$.instances: an empty list where a list of instances is expected.",
    ),
    "unknown signature": (
        {"signature_name": "regress", "instances": [1]},
        '$.signature_name: "regress" is no signature of the model. Signatures: serving_default, '
        "classify_spectrograms.",
    ),
    "array for examples": (
        {"instances": [[0.5, 0.5]]},
        '$.instances[0]: a list of 2 where {"b64": "..."} or a text is expected. serving_default '
        'reads serialised tf.Examples. For arrays of grey levels add "signature_name": '
        '"classify_spectrograms".',
    ),
    "no Base64": (
        {"instances": [{"b64": "*"}]},
        "$.instances[0].b64: this is not Base64.",
    ),
    "no example": (
        {"instances": ["abc"]},
        "$.instances[0]: this is not a serialised tf.Example.",
    ),
    "example of another size": (
        {"inputs": {"examples": [encode(make_example(np.zeros((2, 2), np.uint8)))]}},
        f"$.inputs.examples[0]: the feature image of the tf.Example holds 4 bytes where {PIXELS} "
        f"are expected, one for each of {HEIGHT} x {WIDTH} grey levels.",
    ),
    "another shape": (
        {"signature_name": "classify_spectrograms", "instances": [[[0.5] * WIDTH] * 3]},
        f"$.instances[0]: a list of 3 where a list of {HEIGHT} is expected." + SHAPE,
    ),
    "text": (row("abc"), '$.instances[0][2][5]: "abc" where a number is expected.' + SHAPE),
    "ragged": (row([]), "$.instances[0][2][5]: an empty list where a number is expected." + SHAPE),
    "grey levels to 255": (
        row(163),
        "$.instances[0][2][5]: 163 is not a grey level from 0 to 1. Divide levels from 0 to 255 by "
        "255.",
    ),
    "infinite": (row(1e300), "$.instances[0][2][5]: inf is not a grey level from 0 to 1."),
    "another name": (
        {"signature_name": "classify_spectrograms", "instances": [{"image": []}]},
        "$.instances[0]: the names image where an object with the name spectrograms is expected.",
    ),
}


@pytest.mark.parametrize(("body", "message"), MALFORMED.values(), ids=MALFORMED)
def test_v1_refuses_a_malformed_body_with_the_place(server, body, message):
    refused = server.predict(body)
    assert (refused.status_code, refused.json()) == (400, {"error": message})


def test_what_is_not_json_is_refused_with_line_and_column(server):
    refused = server.predict(b'{"instances":\n [0.5, NaN]}')
    assert refused.status_code == 400
    message = refused.json()["error"]
    assert message.startswith("The body is not JSON: ")
    assert message.endswith(" (line 2, column 8).")


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/models/other", 404, "There is no model other. This server serves " + NAME),
        ("POST", "/v1/models/other:predict", 404, "There is no model other. This server serves"),
        ("POST", f"{V1}/versions/8:predict", 404, "Version 8 is not loaded. Loaded versions: 7."),
        ("POST", f"{V1}/versions/x:predict", 404, "x is no version of a model"),
        ("GET", f"{V1}/labels/stable", 404, "No version has the label stable. Labels: latest."),
        ("GET", f"{V1}:predict", 405, "GET is not possible here; POST is."),
        ("POST", V1, 405, "POST is not possible here; GET or HEAD is."),
        ("POST", f"{V1}:regress", 400, "Version 7 classifies and has no signature for regression."),
        ("GET", f"{V2}/versions/8", 404, "Version 8 is not loaded. Loaded versions: 7."),
        ("GET", "/../../etc/passwd", 404, "There is nothing at /etc/passwd."),
        ("GET", "/page/..%2f..%2fserver.py", 404, "There is nothing at /page/"),
    ],
)
def test_an_unknown_address_is_refused_with_what_there_is(server, method, path, status, message):
    refused = server.client.request(method, path)
    assert refused.status_code == status
    assert refused.json()["error"].startswith(message)


# The Open Inference Protocol, as Triton's client speaks it.


def test_v2_tells_tritons_client_that_it_is_ready(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(NAME)
    assert client.is_model_ready(NAME, str(VERSION))
    assert not client.is_model_ready(NAME, "8")


def test_v2_describes_itself_to_tritons_client(client):
    server = client.get_server_metadata()
    assert (server["name"], server["extensions"]) == (NAME, ["binary_tensor_data"])
    assert client.get_model_metadata(NAME) == {
        "name": NAME,
        "versions": [str(VERSION)],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "spectrograms", "datatype": "FP32", "shape": [-1, HEIGHT, WIDTH]}],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(CLASSES)]},
            {"name": "class", "datatype": "BYTES", "shape": [-1]},
            {"name": "score", "datatype": "FP32", "shape": [-1]},
        ],
    }


def make_input(values: np.ndarray, name="spectrograms", datatype="FP32", binary=True):
    tensor = triton.InferInput(name, list(values.shape), datatype)
    return tensor.set_data_from_numpy(values, binary_data=binary)


def read_outputs(result: triton.InferResult) -> dict:
    outputs = {name: result.as_numpy(name) for name in ("probabilities", "class", "score")}
    return {**outputs, "class": outputs["class"].astype(str)}


@pytest.mark.parametrize("binary_input", [True, False], ids=["binary", "JSON"])
@pytest.mark.parametrize("binary_output", [True, False], ids=["to binary", "to JSON"])
def test_v2_answers_tritons_client(client, models, binary_input, binary_output):
    outputs = [
        triton.InferRequestedOutput(name, binary_data=binary_output)
        for name in ("score", "class", "probabilities")
    ]
    result = client.infer(
        NAME,
        [make_input(models.spectrograms, binary=binary_input)],
        outputs=outputs,
        request_id="42",
        model_version=str(VERSION),
    )
    assert_equal(read_outputs(result), models.answers[1])
    response = result.get_response()
    assert [response[key] for key in ("model_name", "model_version", "id")] == [NAME, "7", "42"]
    assert [output["name"] for output in response["outputs"]] == ["score", "class", "probabilities"]


def test_v2_answers_with_all_outputs_if_none_is_asked_for(client, models):
    result = client.infer(NAME, [make_input(models.spectrograms)])
    assert_equal(read_outputs(result), models.answers[1])


def test_v2_takes_bytes_as_grey_levels_and_compressed_requests(client, models):
    tensor = make_input(models.levels, datatype="UINT8")
    for algorithm in ("gzip", "deflate"):
        result = client.infer(NAME, [tensor], request_compression_algorithm=algorithm)
        assert_equal(read_outputs(result), models.answers[1])


def test_v2_takes_serialised_examples(client, models):
    examples = np.array([make_example(levels) for levels in models.levels], object)
    result = client.infer(NAME, [make_input(examples, "examples", "BYTES")])
    assert_equal(read_outputs(result), models.answers[1])


def test_v2_takes_one_spectrogram_as_nothing_but_its_bytes(server, models):
    answered = server.post(
        f"{V2}/infer",
        models.spectrograms[:1].tobytes(),
        headers={"Inference-Header-Content-Length": "0"},
    )
    length = int(answered.headers["Inference-Header-Content-Length"])
    outputs = json.loads(answered.content[:length])["outputs"]
    assert outputs[0]["parameters"]["binary_data_size"] == 4 * len(CLASSES)
    values = np.frombuffer(answered.content[length:][: 4 * len(CLASSES)], "<f4")
    np.testing.assert_allclose(values, models.answers[1]["probabilities"][0], rtol=1e-5)


def test_v2_takes_the_form_of_the_specifications_example(server, models):
    body = {
        "id": "42",
        "inputs": [
            {
                "name": "spectrograms",
                "shape": [2, HEIGHT, WIDTH],
                "datatype": "FP32",
                "data": models.spectrograms[:2].ravel().tolist(),
            }
        ],
        "outputs": [{"name": "class"}],
    }
    assert server.post(f"{V2}/infer", body).json() == {
        "model_name": NAME,
        "model_version": str(VERSION),
        "id": "42",
        "outputs": [
            {
                "name": "class",
                "datatype": "BYTES",
                "shape": [2],
                "data": models.answers[1]["class"][:2].tolist(),
            }
        ],
    }


def tensor(**changes) -> dict:
    whole = {"name": "spectrograms", "shape": [1, HEIGHT, WIDTH], "datatype": "FP32"}
    return {"inputs": [{**whole, "data": [0.5] * PIXELS, **changes}]}


MALFORMED_V2 = {
    "no input": ({"inputs": []}, "$.inputs: an empty list where a list of one input is expected."),
    "unknown input": (
        tensor(name="x"),
        '$.inputs[0].name: "x" is no input of the model. Inputs: examples, spectrograms.',
    ),
    "another shape": (
        tensor(shape=[1, 2, 2]),
        f"$.inputs[0].shape: [1, 2, 2] where [-1, {HEIGHT}, {WIDTH}] is expected; -1 stands for "
        "the number of instances, at least 1.",
    ),
    "another type": (
        tensor(datatype="INT8"),
        '$.inputs[0].datatype: "INT8" where one of FP32, FP64, UINT8 is expected.',
    ),
    "too few values": (
        tensor(data=[0.5]),
        f"$.inputs[0]: 1 values where {PIXELS} values of type FP32 are expected, 1 x {HEIGHT} x "
        f"{WIDTH}.",
    ),
    "no numbers": (
        tensor(data=["x"]),
        "$.inputs[0].data: a list of 1 that does not hold numbers in lists of equal lengths.",
    ),
    "no grey level": (
        tensor(data=[0.5] * (PIXELS - 1) + [9]),
        f"$.inputs[0].data[0][{HEIGHT - 1}][{WIDTH - 1}]: 9 is not a grey level from 0 to 1. "
        "Divide levels from 0 to 255 by 255.",
    ),
    "missing binary data": (
        tensor(parameters={"binary_data_size": 8}),
        "$.inputs[0].parameters.binary_data_size: 8, but 0 bytes follow the JSON.",
    ),
    "shared memory": (
        tensor(parameters={"shared_memory_region": "x"}),
        "$.inputs[0].parameters.shared_memory_region: this server has no such extension.",
    ),
    "unknown output": (
        {**tensor(), "outputs": [{"name": "logits"}]},
        '$.outputs[0].name: "logits" is no output of the model. Outputs: probabilities, class, '
        "score.",
    ),
}


@pytest.mark.parametrize(("body", "message"), MALFORMED_V2.values(), ids=MALFORMED_V2)
def test_v2_refuses_a_malformed_body_with_the_place(server, body, message):
    refused = server.post(f"{V2}/infer", body)
    assert (refused.status_code, refused.json()) == (400, {"error": message})


def test_tritons_client_shows_the_message_of_a_refusal(client):
    with pytest.raises(triton.InferenceServerException, match=r"shape: \[1, 2\] where"):
        client.infer(NAME, [make_input(np.zeros((1, 2), np.float32))])


# What is seen of the server.


def test_requests_are_counted_by_route_and_status_and_logged(server, models):
    route = f'route="{V1.replace(NAME, "{name}")}:predict",status="200"'
    name = f'radio_signals_requests_total{{method="POST",{route}}}'
    body = {"signature_name": "classify_spectrograms", "inputs": models.spectrograms.tolist()}
    server.predict(body)
    before = server.read_metric(name)
    images = server.read_metric("radio_signals_batch_images_sum")
    server.predict(body)
    assert server.read_metric(name) == before + 1
    assert server.read_metric("radio_signals_batch_images_sum") == images + len(models.levels)
    assert server.read_metric("radio_signals_model_version") == VERSION
    assert server.read_metric(f'radio_signals_loaded_versions{{version="{VERSION}"}}') == 1
    assert f"127.0.0.1 POST {V1}:predict 200 " in server.wait_for_line(":predict 200")


def test_answers_are_guarded_for_browsers_and_allow_no_other_site(server):
    answer = server.get("/", headers={"Origin": "http://elsewhere.example"})
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 's")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Server" not in answer.headers


def test_a_name_that_leads_to_this_machine_from_elsewhere_is_refused(server):
    assert server.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_every_route_is_described_and_every_described_route_exists(server):
    api = server.get("/openapi.json").json()
    assert api["openapi"] == "3.0.3"
    schema = api["components"]["schemas"]["Spectrogram"]
    assert (schema["minItems"], schema["items"]["maxItems"]) == (HEIGHT, WIDTH)
    routes = [route for make in MAKERS for route in make()]
    assert set(api["paths"]) == {*(route.path for route in routes), "/metrics"}
    values = {"name": NAME, "version": VERSION, "label": "latest"}
    for path, operations in api["paths"].items():
        for method in operations.keys() - {"parameters"}:
            response = server.client.request(method, path.format(**values), content=b"x")
            assert str(response.status_code) in operations[method]["responses"], path
    page = server.get("/docs").text
    for path in api["paths"]:
        is_variant = "{version}" in path or "{label}" in path
        assert (f"</b> {path}</code>" in page) is not is_variant
