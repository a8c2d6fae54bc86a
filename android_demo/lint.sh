#!/usr/bin/env bash
# ktlint and detekt over the Kotlin sources; --format lets ktlint rewrite them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/environment.sh"
toolchain lint
cd "$DEMO"
SOURCES=(); for folder in core app desktop; do [ -d "$folder" ] && SOURCES+=("$folder"); done
java -Xmx1g -jar "$JARS/ktlint.jar" ${1:+--format} "${SOURCES[@]/%//**/*.kt}"
java -Xmx1g -jar "$JARS/detekt.jar" --input "$(IFS=,; echo "${SOURCES[*]}")" --config detekt.yml --build-upon-default-config
echo "ktlint and detekt: no findings"
