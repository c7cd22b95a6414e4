"""Commands and starts on systems whose language is not written in UTF-8."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from .server import ROOT, Server

LOCALES = {"zh_CN.GBK": ("zh_CN", "GBK"), "en_US.ISO-8859-1": ("en_US", "ISO-8859-1")}


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    """Make the locales, which few machines have, in a folder of their own."""
    if shutil.which("localedef") is None:
        pytest.skip("localedef is missing: apt-get install libc-bin locales")
    folder = tmp_path_factory.mktemp("locales")
    for name, (source, charmap) in LOCALES.items():
        command = ["localedef", "-i", source, "-f", charmap, str(folder / name)]
        if subprocess.run(command, capture_output=True).returncode > 1:  # 1: made, with warnings
            pytest.skip(f"{name} cannot be made: apt-get install locales")
    return folder


@pytest.fixture(params=LOCALES)
def language(request, locales):
    return {"LC_ALL": request.param, "LOCPATH": str(locales)}


def manage(server, *command):
    """Run a command and return its bytes, which are in no encoding that is known here."""
    answer = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=server.env, capture_output=True
    )
    assert b"Traceback" not in answer.stderr, answer.stderr.decode(errors="replace")
    return answer


@pytest.mark.sweeps
def test_every_command_does_its_work_and_in_one_folder(tmp_path, language):
    server = Server(tmp_path / "数据", **language)
    assert manage(server, "prepare", "--no-port").returncode == 0
    (tmp_path / "数据/backups").mkdir()
    (tmp_path / "数据/backups/webchat-20260101-030000.tar.gz").touch()
    assert manage(server, "backup", "--keep", "1").returncode == 0
    assert len([*(tmp_path / "数据/backups").iterdir()]) == 1
    assert manage(server, "prune").returncode == 0
    manage(server, "doctor")
    findings = json.loads(manage(server, "doctor", "--json").stdout)
    assert {each["check"]: each["level"] for each in findings}["database"] == "ok"
    assert [each.name for each in tmp_path.iterdir()] == ["数据"]


def test_a_wrong_setting_is_told(tmp_path, language):
    server = Server(tmp_path / "数据", TIME_ZONE="火星", **language)
    answer = manage(server, "doctor", "--json")
    assert answer.returncode == 1
    assert "TIME_ZONE" in json.loads(answer.stdout)[0]["message"]


def test_the_file_of_the_settings_is_utf_8_everywhere(tmp_path, language):
    (tmp_path / ".env").write_text("PASSWORD_OF_CAVE=芝麻开门\nDATA_DIR=数据\n", "utf-8")
    code = """
from pathlib import Path
from webchat import environment
environment.load_env_file(Path(".env").absolute())
print(ascii(environment.text("PASSWORD_OF_CAVE")))
environment.directory("DATA_DIR", Path("data").absolute())
"""
    env = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    env |= language | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True).stdout
    assert told.decode().strip() == ascii("芝麻开门")
    assert (tmp_path / "数据").is_dir()


def test_a_value_in_the_encoding_of_the_system_is_read_too(tmp_path, locales):
    env = os.environ | {"LC_ALL": "zh_CN.GBK", "LOCPATH": str(locales)}
    code = "from webchat import environment; print(ascii(environment.text('WORD')))"
    command = [sys.executable, "-c", code]
    raw = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    raw[b"WORD"] = "芝麻".encode("gbk")
    told = subprocess.run(command, cwd=ROOT, env=raw, capture_output=True, check=True).stdout
    assert told.decode().strip() == ascii("芝麻")


def test_only_a_system_in_utf_8_can_read_the_names_of_old_files(tmp_path, locales):
    (tmp_path / "users").mkdir()
    server = Server(tmp_path / "data", LC_ALL="zh_CN.GBK", LOCPATH=str(locales))
    answer = manage(server, "import_legacy", str(tmp_path))
    assert (answer.returncode, b"LC_ALL=C.UTF-8" in answer.stderr) == (1, True)
