"""Fingerprints of files."""

from data.fingerprint import fingerprint_file


def test_a_files_fingerprint_is_that_of_its_content(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("weights")
    second.write_text("weights")
    assert fingerprint_file(str(first)) == fingerprint_file(str(second))
    second.write_text("other weights")
    assert fingerprint_file(str(first)) != fingerprint_file(str(second))


def test_no_file_has_an_empty_fingerprint():
    assert fingerprint_file("") == ""
