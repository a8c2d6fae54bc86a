# Read by the scripts beside Gradle: where the toolchain is, and how its tools are called.
# Use: source tools/environment.sh; toolchain build test

DEMO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
PYTHON="${PYTHON:-$(for p in python3.11 python3.12 python3; do $p -c 'import tomllib' 2>/dev/null && echo $p && break; done)}"
TOOLS="${SLR_ANDROID_TOOLCHAIN:-$HOME/.cache/slr_keras/android}"
JARS="$TOOLS/jars"
DEBIAN="$TOOLS/debian/usr"
OUT="${SLR_ANDROID_OUT:-$DEMO/build/apk}"
SDK_TOOLS="$DEBIAN/lib/android-sdk/build-tools/debian"
STDLIB="$TOOLS/kotlinc/kotlin-stdlib.jar"

fail() { echo "$(basename "$0"): $*" >&2; exit 2; }

[ -n "$PYTHON" ] || fail "Python 3.11 or newer is needed"
command -v java > /dev/null && command -v javac > /dev/null || fail "a JDK (17 or newer) is needed: java and javac"

toolchain() {
  "$PYTHON" "$DEMO/tools/toolchain.py" --cache "$TOOLS" "$@" || fail "parts of the toolchain are missing, see above"
}

version() {  # version NAME: one version of the catalogue
  "$PYTHON" -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["versions"][sys.argv[2]])' \
    "$DEMO/gradle/libs.versions.toml" "$1"
}

# Debian's build tools, unpacked in the cache, find their libraries there.
debian_tool() {
  local name="$1"; shift
  local libraries; libraries="$(echo "$DEBIAN"/lib/*-linux-gnu/android "$DEBIAN"/lib/*-linux-gnu "$DEBIAN"/lib "$DEBIAN"/lib/p7zip | tr ' ' ':')"
  LD_LIBRARY_PATH="$libraries" "$SDK_TOOLS/$name" "$@"
}

apksigner() { java -jar "$DEBIAN/share/java/apksigner.jar" "$@"; }

# Java 8 classes without invokedynamic: what dx can translate for Android 7.
kotlin_compile() {  # kotlin_compile OUTPUT CLASSPATH [FLAGS AND SOURCES...]
  local output="$1" path="$2"; shift 2
  java -Xmx1g -cp "$TOOLS/kotlinc/kotlin-preloader.jar" org.jetbrains.kotlin.preloading.Preloader \
    -cp "$TOOLS/kotlinc/kotlin-compiler.jar" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
    -no-stdlib -no-reflect -jvm-target 1.8 -Xlambdas=class -Xsam-conversions=class \
    -Xstring-concat=inline -classpath "$STDLIB:$path" -d "$output" "$@"
}

compile_core() {  # core alone: no Android on its class path, so no import of it can compile
  rm -rf "$OUT/core"; mkdir -p "$OUT/core"
  kotlin_compile "$OUT/core" "" -module-name core "$DEMO/core/src/main/kotlin"
}
