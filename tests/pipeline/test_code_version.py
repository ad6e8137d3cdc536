"""Fingerprints of code."""

import types

from pipeline.code_version import code_fingerprint


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
