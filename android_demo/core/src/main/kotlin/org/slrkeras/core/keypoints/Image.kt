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
class RgbImage(
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

/**
 * Brightness and two colour planes of half the size, as cameras give them (YUV 4:2:0, full range, BT.601).
 *
 * Colours are computed only for the pixels that are looked at.
 *
 * @param luma brightness, one byte a pixel
 * @param blue blueness, one byte for four pixels, [colourStep] bytes apart
 * @param red redness, likewise
 * @throws IllegalArgumentException if a plane has too few bytes
 */
class YuvImage(
    storedWidth: Int,
    storedHeight: Int,
    private val luma: ByteArray,
    private val lumaStride: Int,
    private val blue: ByteArray,
    private val red: ByteArray,
    private val colourStride: Int,
    private val colourStep: Int,
    rotation: Int = 0,
) : Image(storedWidth, storedHeight, rotation) {
    init {
        require(lumaStride >= storedWidth && colourStep > 0) { "rows of $lumaStride bytes, colours $colourStep apart" }
        require(colourStride.toLong() >= ((storedWidth - 1L) / 2) * colourStep + 1) { "colour rows of $colourStride bytes" }
        val lumas = (storedHeight - 1L) * lumaStride + storedWidth
        require(luma.size >= lumas) { "${luma.size} bytes of brightness where $lumas are needed" }
        val colours = (storedHeight - 1L) / 2 * colourStride + (storedWidth - 1L) / 2 * colourStep + 1
        require(minOf(blue.size, red.size) >= colours) { "${blue.size} and ${red.size} bytes of colour, not $colours" }
    }

    override fun rgb(x: Int, y: Int): Int {
        val at = (y shr 1) * colourStride + (x shr 1) * colourStep
        val light = luma[y * lumaStride + x].toInt() and BYTE
        val u = (blue[at].toInt() and BYTE) - 128
        val v = (red[at].toInt() and BYTE) - 128
        // Factors of BT.601, in 1/65536.
        val r = light + (91881 * v + HALF shr 16)
        val g = light - (22554 * u + 46802 * v + HALF shr 16)
        val b = light + (116130 * u + HALF shr 16)
        return (r.coerceIn(0, BYTE) shl 16) or (g.coerceIn(0, BYTE) shl 8) or b.coerceIn(0, BYTE)
    }
}

private const val BYTE = 0xFF
private const val HALF = 32768
