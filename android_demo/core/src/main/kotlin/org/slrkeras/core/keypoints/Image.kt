package org.slrkeras.core.keypoints

/**
 * A picture in memory, and how it must be turned to be upright.
 *
 * What is stored is never copied or turned: whoever reads an upright picture asks for stored pixels by [storedX] and
 * [storedY].
 *
 * @property storedWidth pixels in a row, as stored
 * @property storedHeight rows, as stored
 * @property rotation degrees, clockwise, by which the stored picture is turned to be upright: 0, 90, 180 or 270
 * @throws IllegalArgumentException if a side is not positive, or the rotation is another
 */
abstract class Image(val storedWidth: Int, val storedHeight: Int, val rotation: Int = 0) {
    init {
        require(storedWidth > 0 && storedHeight > 0) { "a picture of ${storedWidth}x$storedHeight pixels has none" }
        require(rotation in ROTATIONS) { "a picture turned by $rotation degrees: give one of $ROTATIONS" }
    }

    private val lies get() = rotation % 180 != 0

    /** Width in pixels when upright. */
    val width: Int get() = if (lies) storedHeight else storedWidth

    /** Height in pixels when upright. */
    val height: Int get() = if (lies) storedWidth else storedHeight

    /** The pixel at stored column [x] and row [y], both inside: 0xRRGGBB; what is above those bits means nothing. */
    abstract fun rgb(x: Int, y: Int): Int

    /** Stored column of the upright point (x, y), in pixels counted from the centre of the first. */
    internal fun storedX(x: Double, y: Double): Double =
        when (rotation) {
            90 -> y
            180 -> storedWidth - 1 - x
            270 -> storedWidth - 1 - y
            else -> x
        }

    /** Stored row of the upright point (x, y). */
    internal fun storedY(x: Double, y: Double): Double =
        when (rotation) {
            90 -> storedHeight - 1 - x
            180 -> storedHeight - 1 - y
            270 -> x
            else -> y
        }

    private companion object {
        val ROTATIONS = setOf(0, 90, 180, 270)
    }
}

/**
 * Three bytes a pixel: red, green, blue.
 *
 * @param stride bytes from a row to the next
 * @throws IllegalArgumentException if there are fewer bytes than pixels need
 */
class BytesImage(
    storedWidth: Int,
    storedHeight: Int,
    private val bytes: ByteArray,
    rotation: Int = 0,
    private val stride: Int = 3 * storedWidth,
) : Image(storedWidth, storedHeight, rotation) {
    init {
        require(stride >= 3L * storedWidth) { "rows of $stride bytes cannot hold $storedWidth pixels" }
        val needed = (storedHeight - 1L) * stride + 3L * storedWidth
        require(bytes.size >= needed) { "${bytes.size} bytes where ${storedWidth}x$storedHeight pixels need $needed" }
    }

    override fun rgb(x: Int, y: Int): Int {
        val at = y * stride + 3 * x
        return (bytes[at].toInt() and BYTE shl 16) or (bytes[at + 1].toInt() and BYTE shl 8) or
            (bytes[at + 2].toInt() and BYTE)
    }
}

/**
 * One integer a pixel, as Android's bitmaps have them: 0xAARRGGBB, of which alpha is not looked at.
 *
 * @throws IllegalArgumentException if there are fewer integers than pixels
 */
class PackedImage(storedWidth: Int, storedHeight: Int, private val pixels: IntArray, rotation: Int = 0) :
    Image(storedWidth, storedHeight, rotation) {
    init {
        val needed = storedWidth.toLong() * storedHeight
        require(pixels.size >= needed) { "${pixels.size} pixels where ${storedWidth}x$storedHeight are needed" }
    }

    override fun rgb(x: Int, y: Int): Int = pixels[y * storedWidth + x]
}

private const val BYTE = 0xFF
