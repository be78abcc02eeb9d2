"""Checks files of findings by the official JSON schema of SARIF 2.1.0.

    python check_sarif.py sarif-schema-2.1.0.json findings.sarif [more.sarif]

The schema is OASIS's and is not part of this repository. Ends with 1 if a file is not valid, or if a
file that is made invalid on purpose passes.
"""

import copy
import json
import sys

import jsonschema


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema)
    wrong = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            log = json.load(file)
        errors = list(validator.iter_errors(log))
        for error in errors[:10]:
            print(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
        spoilt = copy.deepcopy(log)
        spoilt["runs"][0]["results"] = [{"level": "loud"}]
        control = any(validator.iter_errors(spoilt))
        results = len(log["runs"][0]["results"])
        print(f"{path}: {results} results, {len(errors)} errors, the spoilt one {'fails' if control else 'PASSES'}")
        wrong += bool(errors) or not control
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
