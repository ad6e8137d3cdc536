"""Fingerprints of code and files."""

import types

from pipeline.fingerprints import code_fingerprint, file_fingerprint


def package(root):
    module = types.ModuleType("sample")
    module.__file__ = str(root / "__init__.py")
    module.__path__ = [str(root)]
    return module


def test_a_fingerprint_changes_with_any_file_of_a_package_but_not_with_caches(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "inner" / "model.py").write_text("units = 3")
    first = code_fingerprint(package(tmp_path))
    assert code_fingerprint(package(tmp_path)) == first
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "model.pyc").write_text("compiled")
    assert code_fingerprint(package(tmp_path)) == first
    (tmp_path / "page.html").write_text("a template is code too")
    assert code_fingerprint(package(tmp_path)) != first
    (tmp_path / "inner" / "model.py").write_text("units = 4")
    assert code_fingerprint(package(tmp_path)) != first


def test_a_files_fingerprint_is_that_of_its_content(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("weights")
    second.write_text("weights")
    assert file_fingerprint(str(first)) == file_fingerprint(str(second))
    second.write_text("other weights")
    assert file_fingerprint(str(first)) != file_fingerprint(str(second))


def test_no_file_has_an_empty_fingerprint():
    assert file_fingerprint("") == ""
