package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture
import org.slrkeras.core.json.JsonField
import org.slrkeras.core.json.parseJson

/** What tools/golden_keypoints.py wrote. */
internal fun golden(name: String): JsonField {
    val path = "/golden/keypoints_$name.json"
    val stream = checkNotNull(JsonField::class.java.getResourceAsStream(path)) { "$path is not on the class path" }
    return JsonField(parseJson(stream.use { it.readBytes() }.toString(Charsets.UTF_8), path), path)
}

internal fun JsonField.floats() = list().map { it.number().toFloat() }.toFloatArray()

internal fun JsonField.region(): Region = floats().let { Region(it[0], it[1], it[2], it[3], it[4]) }

/** The picture that the golden crops were cut from, upright. */
internal fun patternPixel(x: Int, y: Int): Int {
    val red = (5 * x + 3 * y) % 256
    val green = x * y % 256
    val blue = if ((x / 6 + y / 5) % 2 != 0) 230 else 20
    return (red shl 16) or (green shl 8) or blue
}

/** The pattern, stored so that it must be turned by [rotation] to be upright. */
internal fun patternImage(width: Int, height: Int, rotation: Int, packed: Boolean): Picture {
    val lies = rotation % 180 != 0
    val storedWidth = if (lies) height else width
    val storedHeight = if (lies) width else height
    val pixels = IntArray(width * height)
    for (y in 0 until height) {
        for (x in 0 until width) {
            // Turned back, counter-clockwise.
            val (column, row) = when (rotation) {
                90 -> y to width - 1 - x
                180 -> width - 1 - x to height - 1 - y
                270 -> height - 1 - y to x
                else -> x to y
            }
            pixels[row * storedWidth + column] = patternPixel(x, y)
        }
    }
    if (packed) return Picture(storedWidth, storedHeight, pixels, rotation)
    val bytes = ByteArray(3 * pixels.size) { (pixels[it / 3] shr 16 - 8 * (it % 3)).toByte() }
    return Picture(storedWidth, storedHeight, rotation).also { it.fillFromRgb(bytes) }
}
