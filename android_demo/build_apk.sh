#!/usr/bin/env bash
# Build the demo's APK without Gradle: the same sources, manifest and resources as the Gradle project.
#
#   android_demo/build_apk.sh [--bundle DIR] [--keypoint-models DIR] [--to FILE] [--keystore FILE]
#
# --bundle            folder of a streaming STARK bundle (python -m export.tflite RUN --streaming ...)
# --keypoint-models   folder of the keypoint models (tools/fetch_keypoint_models.py)
# --to                the APK (default: android_demo/build/apk/slr_keras.apk)
# --keystore          sign with the key "demo" of this file, password in SLR_KEYSTORE_PASSWORD
#                     (default: a debug key, made once and kept with the toolchain)
# Without a bundle or models the APK builds all the same, and the app says what it lacks.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/environment.sh"

BUNDLE="" MODELS="" TO="" KEYSTORE="$TOOLS/debug.keystore"
while [ $# -gt 0 ]; do
  case "$1" in
    --bundle) BUNDLE="${2:-}";;
    --keypoint-models) MODELS="${2:-}";;
    --to) TO="${2:-}";;
    --keystore) KEYSTORE="${2:-}";;
    -h|--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0;;
    *) fail "unknown option $1; see --help";;
  esac
  [ -n "${2:-}" ] || fail "$1 needs a value"
  shift 2
done
TO="${TO:-$OUT/slr_keras.apk}"
[ -z "$BUNDLE" ] || [ -f "$BUNDLE/metadata.json" ] || fail "$BUNDLE is no bundle: it has no metadata.json"
[ -z "$MODELS" ] || ls "$MODELS"/*.tflite > /dev/null 2>&1 || fail "$MODELS has no .tflite file"
toolchain build

APP="$DEMO/app/src/main"
ANDROID="$(realpath "$TOOLS/debian/usr/lib/android-sdk/platforms/android-23/android.jar")"
STAGE="$OUT/stage"
rm -rf "$STAGE" "$OUT/app" "$OUT/generated" "$OUT/aar" "$OUT/assets"
mkdir -p "$STAGE" "$OUT/app" "$OUT/generated" "$OUT/assets" "$(dirname "$TO")"

gather_assets() {
  if [ -n "$MODELS" ]; then
    mkdir -p "$OUT/assets/keypoints"
    cp "$MODELS"/* "$DEMO/../slr_keras/data/layouts/mediapipe_holistic_543.json" "$OUT/assets/keypoints/"
  fi
  if [ -n "$BUNDLE" ]; then "$PYTHON" "$DEMO/tools/bundle_files.py" "$BUNDLE" "$OUT/assets/bundle"; fi
}

resources() {
  "$PYTHON" "$DEMO/tools/manifest.py" "$APP/AndroidManifest.xml" "$OUT/generated/AndroidManifest.xml"
  debian_tool aapt package -f -m -J "$OUT/generated" -M "$OUT/generated/AndroidManifest.xml" -S "$APP/res" \
    -A "$OUT/assets" -0 tflite -I "$ANDROID" -F "$OUT/generated/resources.zip" \
    --min-sdk-version "$(version sdk-minimum)" --target-sdk-version "$(version sdk-target)" \
    --version-code "$(version app-code)" --version-name "$(version app-name)" --no-version-vectors
  "$PYTHON" -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' \
    "$OUT/generated/resources.zip" "$STAGE"
}

tensorflow_lite() {
  for part in tensorflow-lite tensorflow-lite-api; do
    mkdir -p "$OUT/aar/$part"
    "$PYTHON" -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' "$JARS/$part.aar" "$OUT/aar/$part"
  done
  mkdir -p "$STAGE/META-INF"
  cp "$OUT/aar/tensorflow-lite/LICENSE" "$STAGE/META-INF/LICENSE.tensorflow-lite"
  for abi in arm64-v8a armeabi-v7a x86_64; do
    mkdir -p "$STAGE/lib/$abi"
    cp "$OUT/aar/tensorflow-lite/jni/$abi/libtensorflowlite_jni.so" "$STAGE/lib/$abi/"
  done
}

compile() {
  local lite="$OUT/aar/tensorflow-lite/classes.jar:$OUT/aar/tensorflow-lite-api/classes.jar"
  compile_core
  javac -nowarn --release 8 -Xlint:-options -d "$OUT/app" -classpath "$ANDROID" $(find "$OUT/generated" -name '*.java')
  kotlin_compile "$OUT/app" "$OUT/core:$OUT/app:$ANDROID:$lite" -module-name app "$APP/kotlin"
}

dex() {
  # -target 1.7 turns lambdas that Kotlin's library was compiled with into classes: dx takes no invokedynamic here.
  java -Xmx1g -jar "$JARS/proguard.jar" -injars "$OUT/core:$OUT/app(!META-INF/**)" \
    -injars "$OUT/aar/tensorflow-lite/classes.jar(!META-INF/**):$OUT/aar/tensorflow-lite-api/classes.jar(!META-INF/**)" \
    -injars "$STDLIB(!META-INF/**)" -libraryjars "$ANDROID" -outjars "$OUT/shrunk.jar" \
    -target 1.7 -dontoptimize -dontobfuscate -include "$DEMO/app/proguard-rules.pro" > "$OUT/proguard.log" 2>&1 ||
    { cat "$OUT/proguard.log" >&2; exit 1; }
  java -Xmx1g -cp "$JARS/dx.jar" com.android.dx.command.Main --dex --min-sdk-version="$(version sdk-minimum)" \
    --output="$STAGE/classes.dex" "$OUT/shrunk.jar"
}

debug_key() {
  [ -f "$KEYSTORE" ] && return
  [ "$KEYSTORE" = "$TOOLS/debug.keystore" ] || fail "there is no keystore $KEYSTORE"
  keytool -genkeypair -keystore "$KEYSTORE" -storepass "${SLR_KEYSTORE_PASSWORD:-android}" -alias demo -keyalg RSA \
    -keysize 2048 -validity 10000 -dname "CN=slr_keras debug key" 2> /dev/null
}

sign() {
  "$PYTHON" "$DEMO/tools/pack_apk.py" "$STAGE" "$OUT/unsigned.apk"
  debug_key
  apksigner sign --ks "$KEYSTORE" --ks-key-alias demo --ks-pass "pass:${SLR_KEYSTORE_PASSWORD:-android}" \
    --min-sdk-version "$(version sdk-minimum)" --v1-signing-enabled false --v2-signing-enabled true \
    --v3-signing-enabled true --v4-signing-enabled false --in "$OUT/unsigned.apk" --out "$TO"
}

gather_assets
resources
tensorflow_lite
compile
dex
sign
apksigner verify --min-sdk-version "$(version sdk-minimum)" --verbose "$TO" | grep -E 'Verifies|v[23] scheme'
debian_tool zipalign -c -p 4 "$TO" || fail "the APK is not aligned"
debian_tool aapt dump badging "$TO" | grep -E '^(package|sdkVersion|targetSdkVersion|native-code|uses-permission)'
[ -n "$BUNDLE" ] || echo "no bundle inside: the app will ask for one"
[ -n "$MODELS" ] || echo "no keypoint models inside: the app cannot see keypoints"
echo "$TO: $(wc -c < "$TO") bytes, unsigned $(sha256sum "$OUT/unsigned.apk" | cut -c1-16)"
