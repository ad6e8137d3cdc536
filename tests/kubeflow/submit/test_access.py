"""At which installation, as whom and in which namespace."""

import socket
import subprocess

import pytest
import yaml

from tests.kubeflow.api_server import ApiServer, Installation
from tests.kubeflow.submit.packages import SPEC


def test_a_user_works_in_a_namespace_of_an_installation_below_a_path(submit, package):
    users = Installation(
        prefix="/pipeline", multi_user=True, token="secret", namespaces=("ada", "team")
    )
    with ApiServer(users) as installation:
        given = ("--host", f"{installation.url}/#/runs", "--namespace", "ada", "--token", "secret")
        status, _, err = submit(package, *given)
        assert (status, err) == (0, "")
        assert installation.pipelines[0]["namespace"] == "ada"
        assert installation.experiments[0]["namespace"] == "ada"
        assert installation.headers["authorization"] == "Bearer secret"
        # Found again there, and nowhere else.
        assert submit(package, *given)[0] == 0
        assert len(installation.pipelines) == len(installation.experiments) == 1
        assert submit(package, *given, "--namespace", "team")[0] == 0
        assert [p["namespace"] for p in installation.pipelines] == ["ada", "team"]


def test_an_installation_of_users_needs_a_namespace(submit, package):
    with ApiServer(Installation(multi_user=True, namespaces=("ada",))) as installation:
        status, _, err = submit(package, "--host", installation.url)
        assert status == 2
        assert "has many users, each with a namespace: add yours with --namespace." in err
        status, _, err = submit(package, "--host", installation.url, "--namespace", "bob")
        assert status == 1
        assert "does not allow this. It says: User 'ada' is not authorized in namespace bob." in err


def test_a_namespace_is_left_out_where_there_are_no_users(submit, installation, package):
    status, out, _ = submit(package, "--host", installation.url, "--namespace", "kubeflow")
    assert status == 0
    assert "has no users, so --namespace is not needed" in out
    assert installation.pipelines[0]["namespace"] == ""


def test_a_missing_and_a_wrong_token_are_told_apart(submit, package):
    with ApiServer(Installation(token="secret")) as installation:
        status, _, err = submit(package, "--host", installation.url)
        assert status == 1
        assert "does not accept requests without a token. It says: Unauthenticated" in err
        assert "Give a token with --token" in err
        status, _, err = submit(package, "--host", installation.url, "--token", "old")
        assert status == 1
        assert "does not accept the token." in err
        assert "secret" not in err and "old" not in err


def test_the_token_is_read_from_the_service_accounts_file(submit, package, monkeypatch, tmp_path):
    file = tmp_path / "token"
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    with ApiServer(Installation(token="secret")) as installation:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", installation.url)
        status, _, err = submit(package)
        assert status == 2
        assert f"KF_PIPELINES_SA_TOKEN_PATH names {file}, which cannot be read." in err
        file.write_text("secret\n")
        assert submit(package)[0] == 0
        assert installation.headers["authorization"] == "Bearer secret"


def test_address_user_interface_and_experiment_are_read_from_kfps_variables(
    submit, installation, package, monkeypatch
):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", installation.url)
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://ui.example/")
    monkeypatch.setenv("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME", "nightly")
    status, out, _ = submit(package)
    assert status == 0
    run = installation.runs[0]
    assert f"page       https://ui.example/#/runs/details/{run['run_id']}\n" in out
    assert installation.experiments[0]["display_name"] == "nightly"


def test_in_a_pod_address_and_namespace_are_its_own(submit, package, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    status, _, err = submit(package)
    assert status == 1
    assert "http://ml-pipeline.kubeflow.svc.cluster.local:8888 cannot be reached" in err
    mounted = tmp_path / "namespace"
    mounted.write_text("ada")
    monkeypatch.setattr("kfp.client.Client._NAMESPACE_PATH", str(mounted))
    with ApiServer(Installation(multi_user=True, namespaces=("ada",))) as installation:
        assert submit(package, "--host", installation.url)[0] == 0
    assert installation.experiments[0]["namespace"] == "ada"
    assert not (tmp_path / "home").exists()


def test_without_an_address_the_remedy_is_named(submit, package):
    status, _, err = submit(package)
    assert status == 2
    assert "add --host URL, or set KF_PIPELINES_ENDPOINT." in err


def test_an_address_that_forgets_the_path_is_told(submit, package):
    with ApiServer(Installation(prefix="/pipeline")) as installation:
        forgotten = installation.url.removesuffix("/pipeline")
        status, _, err = submit(package, "--host", forgotten)
    assert status == 1
    assert f"There is no API of Kubeflow Pipelines at {forgotten}." in err
    assert f"--host {forgotten}/pipeline" in err


def test_a_log_in_page_is_not_taken_for_an_answer(submit, package):
    with ApiServer(Installation(page_instead=200)) as installation:
        status, _, err = submit(package, "--host", installation.url)
    assert status == 1
    assert "answers with a page instead of data, perhaps to log in." in err


def test_an_address_where_nothing_listens_is_told_at_once(submit, package):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    status, out, err = submit(package, "--host", f"http://127.0.0.1:{port}")
    assert (status, out) == (1, "")
    assert err == (
        f"Error: http://127.0.0.1:{port} cannot be reached: nothing listens there. "
        "Check the address, and the network.\n"
    )
    status, _, err = submit(package, "--host", "http://kubeflow.invalid")
    assert status == 1
    assert "http://kubeflow.invalid cannot be reached: no such name is known." in err


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("ftp://x", "--host ftp://x begins neither with https:// nor with http://."),
        ("http://", "--host http:// is not an address such as"),
        ("http://a b", "--host http://a b is not an address such as"),
        ("http://localhost:99999", "--host http://localhost:99999 is not an address such as"),
    ],
)
def test_a_text_that_is_no_address_is_refused(submit, package, host, message):
    status, _, err = submit(package, "--host", host)
    assert status == 2
    assert message in err


def test_an_address_without_tls_is_told(submit, installation, package):
    # Without a scheme it is https, as with kfp.
    bare = installation.url.removeprefix("http://")
    status, _, err = submit(package, "--host", bare)
    assert status == 1
    assert f"https://{bare} does not speak TLS" in err
    assert f"Perhaps it is http://{bare}." in err


def test_a_private_authority_is_trusted_when_it_is_named(submit, package, tmp_path):
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
    with ApiServer(Installation(), str(certificate)) as installation:
        status, _, err = submit(package, "--host", installation.url)
        assert status == 1
        assert "is not one that is trusted here." in err
        assert "--ca-cert FILE.pem" in err
        trusting = ("--host", installation.url, "--ca-cert", tmp_path / "ca.pem")
        assert submit(package, *trusting)[0] == 0
        assert len(installation.runs) == 1


def test_what_the_installation_refuses_is_told_in_its_words(
    submit, installation, package, monkeypatch
):
    monkeypatch.setattr("pipeline.kubeflow.submit.compiled_package.SCHEMA_VERSION", "2.0.0")
    old = package.with_name("old.yaml")
    old.write_text(yaml.safe_dump({**SPEC, "schemaVersion": "2.0.0"}))
    status, _, err = submit(old, "--host", installation.url)
    assert status == 2
    assert (
        "It says: Invalid input error: KFP only supports schema version 2.1.0, but the pipeline "
        "specification has version 2.0.0." in err
    )


def test_an_installation_in_trouble_is_told(submit, installation, package):
    installation.failing = 1
    status, _, err = submit(package, "--host", installation.url)
    assert status == 1
    assert "is in trouble (status 503). It says: upstream connect error." in err
