"""Where a submission goes, with which credentials, and in which namespace."""

import socket
import subprocess

import pytest
import yaml

from tests.kubeflow.fake_api_server import FakeApi, FakeApiServer
from tests.kubeflow.submit.packages import SPEC


def test_a_user_works_in_a_namespace_of_an_installation_below_a_path(submit, package):
    users = FakeApi(prefix="/pipeline", multi_user=True, token="secret", namespaces=("ada", "team"))
    with FakeApiServer(users) as api:
        options = ("--host", f"{api.url}/#/runs", "--namespace", "ada", "--token", "secret")
        status, _, err = submit(package, *options)
        assert (status, err) == (0, "")
        assert api.pipelines[0]["namespace"] == "ada"
        assert api.experiments[0]["namespace"] == "ada"
        assert api.headers["authorization"] == "Bearer secret"
        assert submit(package, *options)[0] == 0
        assert len(api.pipelines) == len(api.experiments) == 1
        assert submit(package, *options, "--namespace", "team")[0] == 0
        assert [p["namespace"] for p in api.pipelines] == ["ada", "team"]


def test_a_multi_user_installation_needs_a_namespace(submit, package):
    with FakeApiServer(FakeApi(multi_user=True, namespaces=("ada",))) as api:
        status, _, err = submit(package, "--host", api.url)
        assert status == 2
        assert "is a multi-user installation: add your namespace with --namespace." in err
        status, _, err = submit(package, "--host", api.url, "--namespace", "bob")
        assert status == 1
        assert "does not allow this. It says: User 'ada' is not authorized in namespace bob." in err


def test_a_namespace_is_left_out_in_a_single_user_installation(submit, api, package):
    status, out, _ = submit(package, "--host", api.url, "--namespace", "kubeflow")
    assert status == 0
    assert "a single-user installation ignores --namespace" in out
    assert api.pipelines[0]["namespace"] == ""


def test_a_missing_and_a_wrong_token_have_different_messages(submit, package):
    with FakeApiServer(FakeApi(token="secret")) as api:
        status, _, err = submit(package, "--host", api.url)
        assert status == 1
        assert "does not accept requests without a token. It says: Unauthenticated" in err
        assert "Give a token with --token" in err
        status, _, err = submit(package, "--host", api.url, "--token", "old")
        assert status == 1
        assert "does not accept the token." in err
        assert "secret" not in err
        assert "old" not in err


def test_the_token_is_read_from_the_service_accounts_file(submit, package, monkeypatch, tmp_path):
    file = tmp_path / "token"
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    with FakeApiServer(FakeApi(token="secret")) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        status, _, err = submit(package)
        assert status == 2
        assert f"KF_PIPELINES_SA_TOKEN_PATH names {file}, which cannot be read." in err
        file.write_text("secret\n")
        assert submit(package)[0] == 0
        assert api.headers["authorization"] == "Bearer secret"


def test_behind_googles_proxy_the_token_is_that_of_kfps_log_in(submit, package, monkeypatch):
    def log_in(*client):
        assert client == ("proxy.example", "app.example", None)
        return "secret", True

    monkeypatch.setattr("kfp.client.auth.get_auth_token", log_in)
    monkeypatch.setenv("KF_PIPELINES_IAP_OAUTH2_CLIENT_ID", "proxy.example")
    monkeypatch.setenv("KF_PIPELINES_APP_OAUTH2_CLIENT_ID", "app.example")
    with FakeApiServer(FakeApi(token="secret")) as api:
        assert submit(package, "--host", api.url)[0] == 0


def test_address_user_interface_and_experiment_are_read_from_kfps_variables(
    submit, api, package, monkeypatch
):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://ui.example/")
    monkeypatch.setenv("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME", "nightly")
    status, out, _ = submit(package)
    assert status == 0
    run = api.runs[0]
    assert f"page       https://ui.example/#/runs/details/{run['run_id']}\n" in out
    assert api.experiments[0]["display_name"] == "nightly"


def test_in_a_pod_the_clusters_address_and_the_pods_namespace_are_used(
    submit, package, monkeypatch, tmp_path
):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    status, _, err = submit(package)
    assert status == 1
    assert "http://ml-pipeline.kubeflow.svc.cluster.local:8888 cannot be reached" in err
    mounted = tmp_path / "namespace"
    mounted.write_text("ada")
    monkeypatch.setattr("pipeline.kubeflow.submit.connection._NAMESPACE_FILE", str(mounted))
    with FakeApiServer(FakeApi(multi_user=True, namespaces=("ada",))) as api:
        assert submit(package, "--host", api.url)[0] == 0
    assert api.experiments[0]["namespace"] == "ada"
    assert not (tmp_path / "home").exists()


def test_a_missing_address_is_reported_with_the_remedy(submit, package):
    status, _, err = submit(package)
    assert status == 2
    assert "add --host URL, or set KF_PIPELINES_ENDPOINT." in err


def test_an_address_without_its_path_is_reported_with_the_remedy(submit, package):
    with FakeApiServer(FakeApi(prefix="/pipeline")) as api:
        address = api.url.removesuffix("/pipeline")
        status, _, err = submit(package, "--host", address)
    assert status == 1
    assert f"There is no API of Kubeflow Pipelines at {address}." in err
    assert f"--host {address}/pipeline" in err


def test_a_log_in_page_is_not_read_as_an_answer(submit, package):
    with FakeApiServer(FakeApi(log_in_page=200)) as api:
        status, _, err = submit(package, "--host", api.url)
    assert status == 1
    assert "answers with a page instead of data, perhaps to log in." in err


def test_an_address_where_nothing_listens_is_reported_at_once(submit, package):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    status, out, err = submit(package, "--host", f"http://127.0.0.1:{port}")
    assert (status, out) == (1, "")
    assert err == (
        f"Error: http://127.0.0.1:{port} cannot be reached: nothing listens there. "
        "Check the address and the network.\n"
    )
    status, _, err = submit(package, "--host", "http://kubeflow.invalid")
    assert status == 1
    assert "http://kubeflow.invalid cannot be reached: the name is unknown." in err


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("ftp://x", "--host ftp://x begins neither with https:// nor with http://."),
        ("http://", "--host http:// is not an address such as"),
        ("http://a b", "--host http://a b is not an address such as"),
        ("http://localhost:99999", "--host http://localhost:99999 is not an address such as"),
    ],
)
def test_a_text_that_is_not_an_address_is_refused(submit, package, host, message):
    status, _, err = submit(package, "--host", host)
    assert status == 2
    assert message in err


def test_a_server_without_tls_is_reported(submit, api, package):
    # As in kfp, an address without a scheme is https.
    bare = api.url.removeprefix("http://")
    status, _, err = submit(package, "--host", bare)
    assert status == 1
    assert f"https://{bare} does not speak TLS" in err
    assert f"Perhaps it is http://{bare}." in err


def test_a_private_certificate_authority_is_trusted_if_it_is_named(submit, package, tmp_path):
    certificate = tmp_path / "server.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {certificate} -out {tmp_path}/ca.pem",
        shell=True,
        check=True,
        capture_output=True,
    )
    with certificate.open("a") as both:
        both.write((tmp_path / "ca.pem").read_text())
    with FakeApiServer(FakeApi(), str(certificate)) as api:
        status, _, err = submit(package, "--host", api.url)
        assert status == 1
        assert "is not trusted here." in err
        assert "--ca-cert FILE.pem" in err
        trusting = ("--host", api.url, "--ca-cert", tmp_path / "ca.pem")
        assert submit(package, *trusting)[0] == 0
        assert len(api.runs) == 1


def test_a_refusal_is_reported_in_the_installations_words(submit, api, package, monkeypatch):
    monkeypatch.setattr("pipeline.kubeflow.submit.package_reader.SCHEMA_VERSION", "2.0.0")
    old = package.with_name("old.yaml")
    old.write_text(yaml.safe_dump({**SPEC, "schemaVersion": "2.0.0"}))
    status, _, err = submit(old, "--host", api.url)
    assert status == 2
    assert (
        "It says: Invalid input error: KFP only supports schema version 2.1.0, but the pipeline "
        "specification has version 2.0.0." in err
    )


def test_an_installation_that_cannot_answer_now_is_reported(submit, api, package):
    api.failing = 1
    status, _, err = submit(package, "--host", api.url)
    assert status == 1
    assert "cannot answer now (status 503). It says: upstream connect error." in err
