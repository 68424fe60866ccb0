"""The wheel holds all that is needed, and imports where only it and its dependencies are."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    expected = {
        str(p.relative_to(source))
        for p in source.rglob("*")
        if p.suffix in (".py", ".safetensors", ".js", ".css") or p.name == "py.typed"
    }
    assert expected <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"isthmus"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_imports_in_a_clean_environment(wheel, tmp_path):
    # The dependencies are lent by the environment that runs the tests; -S and -I keep its own isthmus out.
    target = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    paths = [str(target), sysconfig.get_path("purelib")]
    code = (
        f"import sys; sys.path[:0] = {paths}; import isthmus, isthmus.cli.main as cli; "
        "print(isthmus.__file__); isthmus.Autoencoder(code=isthmus.Dense(2)); cli.run()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, "--version"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(target)
