#!/usr/bin/env bash
# The phone's own code on a desk: a video through core's keypoints and recogniser, without Gradle.
#
#   android_demo/run_on_jvm.sh VIDEO [options]; --help lists them
#
# Needs a JDK, and a Python with slr_keras[video] and ai-edge-litert: $SLR_PYTHON, or the repository's .venv-full, or
# python3. Compiles what has changed since the last time.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools/environment.sh"
toolchain build > /dev/null

REPOSITORY="$(cd "$DEMO/.." && pwd)"
RUNNER="${SLR_PYTHON:-$REPOSITORY/.venv-full/bin/python}"
[ -n "${SLR_PYTHON:-}" ] || [ -x "$RUNNER" ] || RUNNER=python3
MODELS="${SLR_KEYPOINT_MODELS:-$DEMO/build/keypoint_models}"
CLASSES="${SLR_DESKTOP_OUT:-$DEMO/build/desktop}"

newest() { find "$DEMO/core/src/main" "$DEMO/desktop/src" -name '*.kt' -newer "$CLASSES/stamp" -print -quit; }
if [ ! -f "$CLASSES/stamp" ] || [ -n "$(newest)" ]; then
  rm -rf "$CLASSES"; mkdir -p "$CLASSES/core" "$CLASSES/desktop"
  touch "$CLASSES/begun"
  kotlin_compile "$CLASSES/core" "" -module-name core "$DEMO/core/src/main/kotlin"
  kotlin_compile "$CLASSES/desktop" "$CLASSES/core" -module-name desktop "$DEMO/desktop/src/main/kotlin"
  # Sources that changed meanwhile are newer than this.
  mv "$CLASSES/begun" "$CLASSES/stamp"
fi
"$RUNNER" "$DEMO/tools/fetch_keypoint_models.py" --output "$MODELS" > /dev/null

export PYTHONPATH="$REPOSITORY${PYTHONPATH:+:$PYTHONPATH}" TF_CPP_MIN_LOG_LEVEL=3
exec java -Xmx1g -cp "$CLASSES/desktop:$CLASSES/core:$STDLIB" org.slrkeras.desktop.MainKt \
  --models "$MODELS" --python "$RUNNER" --scripts "$DEMO/desktop" "$@"
