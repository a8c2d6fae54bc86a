package org.slrkeras.core.image

/**
 * An upright picture of 8-bit RGB, row by row from the top, three bytes a pixel.
 *
 * @property bytes `height * width * 3` values, unsigned
 */
class RgbImage(val width: Int, val height: Int, val bytes: ByteArray = ByteArray(width * height * 3)) {
    init {
        require(width >= 0 && height >= 0) { "a picture of $width x $height pixels" }
        require(bytes.size == width * height * 3) {
            "${bytes.size} bytes for a picture of $width x $height pixels, ${width * height * 3} expected"
        }
    }

    /** The pixels as opaque ARGB, the form that screens take. */
    fun toArgb(into: IntArray) {
        require(into.size >= width * height) { "${into.size} places for ${width * height} pixels" }
        var at = 0
        for (pixel in 0 until width * height) {
            val red = bytes[at].toInt() and BYTE
            val green = bytes[at + 1].toInt() and BYTE
            val blue = bytes[at + 2].toInt() and BYTE
            into[pixel] = OPAQUE or (red shl 16) or (green shl 8) or blue
            at += 3
        }
    }

    private companion object {
        const val BYTE = 0xFF
        const val OPAQUE = 0xFF shl 24
    }
}
