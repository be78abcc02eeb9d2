#!/bin/sh
# Schemathesis follows /openapi.json of a running `skillbelt serve` and looks for a status of 500 and for
# answers that are not as the document says.
#
#   python3 -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install schemathesis
#   skillbelt serve BELT --base BASE --address 127.0.0.1:8642 --log none &
#   sh tests/peers/serve_fuzz.sh http://127.0.0.1:8642 [examples of each operation, 200]
#
# Ends with 1 if it finds something. SCHEMATHESIS names the program where it is not on the path.
set -eu
address=$1
examples=${2:-200}
exec "${SCHEMATHESIS:-schemathesis}" run "$address/openapi.json" \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  --max-examples "$examples" --seed 1 --workers 1 --request-timeout 60 --phases examples,coverage,fuzzing,stateful
