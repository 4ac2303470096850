"""The control API from its own document: the document is valid OpenAPI 3.1, and a node that is fuzzed from it answers what
it says, without an error of its own. Run by `cargo xtask test`."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

CONTROL = os.environ["CONTROL"]
TOKEN = os.environ["TOKEN"]
FOLDER = pathlib.Path(os.environ["FOLDER"])
SETTINGS = pathlib.Path(__file__).with_name("schemathesis.toml")


def document():
    address = f"{CONTROL}/api/v1/openapi.json"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def is_valid(told):
    wrong = [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()]
    for message in wrong:
        print(f"the document: {message}")
    return not wrong and told["openapi"].startswith("3.1.")


def holds(told):
    file = FOLDER / "openapi.json"
    file.write_text(json.dumps(told))
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    run = subprocess.run(
        [program, "--config-file", SETTINGS, "run", file, "--url", CONTROL, "--checks", "all", "--no-color"]
        + ["--warnings", "off", "--header", f"Authorization: Bearer {TOKEN}"],
        cwd=FOLDER,
    )
    return run.returncode == 0


def main():
    told = document()
    results = [is_valid(told), holds(told)]
    # The node is still there, and its log is as good as before.
    with urllib.request.urlopen(f"{CONTROL}/readyz") as answer:
        results.append(answer.status == 200)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
