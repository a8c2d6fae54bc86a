"""Complete the app's manifest with what Gradle's plugin adds: package, native libraries.

python3 android_demo/tools/manifest.py app/src/main/AndroidManifest.xml build/AndroidManifest.xml
"""

import re
import sys
from pathlib import Path

BUILD_FILE = Path(__file__).resolve().parent.parent / "app" / "build.gradle.kts"


def namespace(build_file: str) -> str:
    """Package of the app as the Gradle build file names it.

    >>> namespace('android { namespace = "org.slrkeras.demo" }')
    'org.slrkeras.demo'
    """
    match = re.search(r'namespace\s*=\s*"([\w.]+)"', build_file)
    if not match:
        raise SystemExit(f"{BUILD_FILE} names no namespace")
    return match[1]


def complete(manifest: str, package: str) -> str:
    """The manifest with its package, and native libraries loaded from within the APK.

    >>> complete('<manifest x="1"><application a="b">', "org.app")
    '<manifest package="org.app" x="1"><application android:extractNativeLibs="false" a="b">'
    """
    manifest = manifest.replace("<manifest", f'<manifest package="{package}"', 1)
    return manifest.replace("<application", '<application android:extractNativeLibs="false"', 1)


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    Path(sys.argv[2]).write_text(
        complete(text, namespace(BUILD_FILE.read_text())), encoding="utf-8"
    )
