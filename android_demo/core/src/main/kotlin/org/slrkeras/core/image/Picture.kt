package org.slrkeras.core.image

/**
 * A picture in memory that can be used again, and the rotation that makes it upright.
 *
 * All sources (camera, video file, desktop runner) produce this type, and the keypoint models and the screen read it:
 * no picture is converted or copied in between. Stored pixels are never turned; a reader of the upright picture finds
 * stored pixels by [storedX] and [storedY].
 *
 * Not safe for use from several threads at once; [PicturePool] hands pictures from thread to thread.
 *
 * @param storedWidth pixels of a stored row
 * @param storedHeight stored rows
 * @param pixels one integer per pixel, row by row: 0xAARRGGBB, as in Android's bitmaps; alpha is ignored
 * @param rotation degrees clockwise by which the stored picture is turned to be upright: 0, 90, 180 or 270
 * @throws IllegalArgumentException if a side is not positive, the rotation is another, or pixels are missing
 */
class Picture(storedWidth: Int, storedHeight: Int, pixels: IntArray, rotation: Int = 0) {
    constructor(storedWidth: Int, storedHeight: Int, rotation: Int = 0) :
        this(storedWidth, storedHeight, IntArray(pixelsOf(storedWidth, storedHeight)), rotation)

    /** The pixels, row by row; there may be more places than pixels. */
    var pixels: IntArray = pixels
        private set

    /** Pixels of a stored row. */
    var storedWidth: Int = storedWidth
        private set

    /** Stored rows. */
    var storedHeight: Int = storedHeight
        private set

    /** Degrees clockwise by which the stored picture is turned to be upright. */
    var rotation: Int = rotation
        private set

    init {
        val needed = pixelsOf(storedWidth, storedHeight)
        require(pixels.size >= needed) { "${pixels.size} pixels where ${storedWidth}x$storedHeight are needed" }
        requireRightAngle(rotation)
    }

    private val isOnItsSide get() = rotation % 180 != 0

    /** Width in pixels when upright. */
    val width: Int get() = if (isOnItsSide) storedHeight else storedWidth

    /** Height in pixels when upright. */
    val height: Int get() = if (isOnItsSide) storedWidth else storedHeight

    /**
     * Change the size. The memory is kept if it is large enough; the pixels are undefined afterwards.
     *
     * @throws IllegalArgumentException if a side is not positive, or the rotation is not a right angle
     */
    fun resize(storedWidth: Int, storedHeight: Int, rotation: Int = 0) {
        val needed = pixelsOf(storedWidth, storedHeight)
        requireRightAngle(rotation)
        if (pixels.size < needed) pixels = IntArray(needed)
        this.storedWidth = storedWidth
        this.storedHeight = storedHeight
        this.rotation = rotation
    }

    /**
     * Replace all pixels by those of three bytes each: red, green, blue.
     *
     * @param bytes rows of pixels from the top
     * @param stride bytes from one row to the next
     * @throws IllegalArgumentException if there are fewer bytes than the pixels need
     */
    fun fillFromRgb(bytes: ByteArray, stride: Int = 3 * storedWidth) {
        require(stride >= 3L * storedWidth) { "rows of $stride bytes cannot hold $storedWidth pixels" }
        val needed = (storedHeight - 1L) * stride + 3L * storedWidth
        require(bytes.size >= needed) { "${bytes.size} bytes where ${storedWidth}x$storedHeight pixels need $needed" }
        var to = 0
        for (row in 0 until storedHeight) {
            var from = row * stride
            repeat(storedWidth) {
                pixels[to++] = packed(bytes[from].toInt(), bytes[from + 1].toInt(), bytes[from + 2].toInt())
                from += 3
            }
        }
    }

    /** The pixel at stored column [x] and row [y], both inside: 0xAARRGGBB. */
    fun argb(x: Int, y: Int): Int = pixels[y * storedWidth + x]

    /** Stored column of the upright point (x, y), in pixels from the centre of the first pixel. */
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
}

/** One opaque pixel; only the low eight bits of each channel count. */
internal fun packed(red: Int, green: Int, blue: Int): Int =
    OPAQUE or (red and BYTE shl 16) or (green and BYTE shl 8) or (blue and BYTE)

/** Refuses rotations that are not 0, 90, 180 or 270 degrees. */
internal fun requireRightAngle(rotation: Int) {
    require(rotation in RIGHT_ANGLES) { "a rotation of $rotation degrees; 0, 90, 180 or 270 is expected" }
}

private fun pixelsOf(width: Int, height: Int): Int {
    require(width > 0 && height > 0) { "a picture of ${width}x$height pixels is empty" }
    val count = width.toLong() * height
    require(count <= Int.MAX_VALUE) { "a picture of ${width}x$height pixels is too large" }
    return count.toInt()
}

private const val BYTE = 0xFF
private const val OPAQUE = BYTE shl 24
private val RIGHT_ANGLES = setOf(0, 90, 180, 270)
