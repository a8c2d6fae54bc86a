#!/usr/bin/env bash
# JUnit tests of core: from its class files, and with --apk from the code that is in an APK.
#
#   android_demo/test_core.sh [--apk FILE] [--select CLASS_OR_PACKAGE_REGEX] [--java OPTIONS]
#
# --java '-Xmx64m -Dslr.fuzz.frames=100000' --select '.*keypoints.FuzzTest' lets 100,000 pictures through a small heap.
# With --apk, the APK's Dalvik code is translated back to Java classes, and the same tests run on those.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/environment.sh"

APK="" SELECT=".*" JAVA_OPTIONS=()
while [ $# -gt 0 ]; do
  case "$1" in
    --apk) APK="${2:-}"; [ -f "$APK" ] || fail "there is no APK $APK; make apk builds one";;
    --select) SELECT="${2:?--select needs a pattern}";;
    --java) read -ra JAVA_OPTIONS <<< "${2:?--java needs options of the JVM}";;
    -h|--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0;;
    *) fail "unknown option $1; see --help";;
  esac
  shift 2
done
toolchain test

TESTS="$OUT/tests"
KOTLIN_TEST="$TOOLS/kotlinc/kotlin-test.jar:$TOOLS/kotlinc/kotlin-test-junit5.jar:$JARS/junit.jar"

run_tests() {  # run_tests WHAT CORE
  echo "core from $1"
  (cd "$DEMO" && java -Xmx1g "${JAVA_OPTIONS[@]}" -cp "$2:$TESTS:$DEMO/core/src/test/resources:$STDLIB:$KOTLIN_TEST" \
    org.junit.platform.console.ConsoleLauncher execute --scan-classpath "$TESTS" --include-classname "$SELECT" \
    --details "${SLR_JUNIT_DETAILS:-summary}" --disable-banner --fail-if-no-tests)
}

compile_core
rm -rf "$TESTS"; mkdir -p "$TESTS"
kotlin_compile "$TESTS" "$OUT/core:$KOTLIN_TEST" -module-name core-test "-Xfriend-paths=$OUT/core" "$DEMO/core/src/test/kotlin"
run_tests "class files" "$OUT/core"
if [ -n "$APK" ]; then
  rm -rf "$OUT/from_dex"; mkdir -p "$OUT/from_dex"
  PYTHONPATH="$DEBIAN/lib/python3/dist-packages" "$PYTHON" -O -m enjarify.main -f -o "$OUT/from_dex.jar" "$APK" > "$OUT/enjarify.log"
  tail -1 "$OUT/enjarify.log"
  # The core alone: the Kotlin library in the APK is shrunk to what core and app use, and tests use more of it.
  (cd "$OUT/from_dex" && "$PYTHON" -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as jar: jar.extractall(members=[n for n in jar.namelist() if n.startswith("org/slrkeras/core/")])' "$OUT/from_dex.jar")
  run_tests "the dex of $APK" "$OUT/from_dex"
fi
