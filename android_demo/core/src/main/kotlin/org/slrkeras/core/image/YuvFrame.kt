package org.slrkeras.core.image

/** One plane of a YUV picture: [rowStride] bytes from row to row, [pixelStride] from sample to sample. */
class Plane(val bytes: ByteArray, val rowStride: Int, val pixelStride: Int) {
    /** The unsigned sample at a place. */
    fun at(row: Int, column: Int): Int = bytes[row * rowStride + column * pixelStride].toInt() and 0xFF
}

/** Which values stand for black and white: cameras give all 256, video files mostly 16 to 235. */
enum class YuvRange { FULL, LIMITED }

/**
 * A picture of YUV 4:2:0, as cameras and video decoders give it, not yet turned upright.
 *
 * @property luma one sample a pixel
 * @property blue the chroma U (Cb), one sample for two by two pixels
 * @property red the chroma V (Cr), likewise
 */
class YuvFrame(
    val width: Int,
    val height: Int,
    val luma: Plane,
    val blue: Plane,
    val red: Plane,
    val range: YuvRange = YuvRange.FULL,
)

/**
 * Turns YUV frames into upright RGB pictures, scaled down to at most [maximumSide] pixels a side.
 *
 * Scaling takes every n-th pixel, n whole: the keypoint models resample anyway. Nothing is mirrored: a left hand
 * stays a left hand, whichever camera saw it. The picture is reused from frame to frame.
 */
class YuvConverter(private val maximumSide: Int = 640) {
    private var picture = RgbImage(0, 0)

    init {
        require(maximumSide > 0) { "pictures of $maximumSide pixels" }
    }

    /**
     * Convert one frame.
     *
     * @param frame from the camera or the decoder
     * @param rotation degrees clockwise by which the frame is to be turned: 0, 90, 180 or 270
     * @return the upright picture; the next call overwrites it
     */
    fun convert(frame: YuvFrame, rotation: Int): RgbImage {
        require(rotation in UPRIGHT) { "a rotation of $rotation degrees; 0, 90, 180 or 270 is expected" }
        val step = maxOf(1, ceilingOf(maxOf(frame.width, frame.height), maximumSide))
        val columns = frame.width / step
        val rows = frame.height / step
        val turned = rotation == 90 || rotation == 270
        resize(if (turned) rows else columns, if (turned) columns else rows)
        val coefficients = if (frame.range == YuvRange.FULL) FULL else LIMITED
        for (row in 0 until rows) {
            for (column in 0 until columns) {
                val at = 3 * position(row, column, rows, columns, rotation)
                write(frame, row * step, column * step, coefficients, at)
            }
        }
        return picture
    }

    private fun resize(width: Int, height: Int) {
        if (picture.width != width || picture.height != height) picture = RgbImage(width, height)
    }

    private fun write(frame: YuvFrame, row: Int, column: Int, by: Coefficients, at: Int) {
        val light = by.gain * (frame.luma.at(row, column) - by.black)
        val blue = frame.blue.at(row / 2, column / 2) - NEUTRAL
        val red = frame.red.at(row / 2, column / 2) - NEUTRAL
        picture.bytes[at] = clipped(light + by.redOfRed * red)
        picture.bytes[at + 1] = clipped(light - by.greenOfBlue * blue - by.greenOfRed * red)
        picture.bytes[at + 2] = clipped(light + by.blueOfBlue * blue)
    }

    /** BT.601 in fixed point of 16 bits. */
    private class Coefficients(
        val black: Int,
        val gain: Int,
        val redOfRed: Int,
        val greenOfBlue: Int,
        val greenOfRed: Int,
        val blueOfBlue: Int,
    )

    private companion object {
        val UPRIGHT = setOf(0, 90, 180, 270)
        const val NEUTRAL = 128
        const val HALF = 1 shl 15
        val FULL = Coefficients(0, 65536, 91881, 22554, 46802, 116130)
        val LIMITED = Coefficients(16, 76309, 104597, 25675, 53279, 132201)

        fun ceilingOf(value: Int, divisor: Int) = (value + divisor - 1) / divisor

        fun clipped(value: Int): Byte = ((value + HALF) shr 16).coerceIn(0, 255).toByte()

        /** Index of the pixel in the upright picture at which a pixel of the frame comes to lie. */
        fun position(row: Int, column: Int, rows: Int, columns: Int, rotation: Int): Int = when (rotation) {
            90 -> column * rows + (rows - 1 - row)
            180 -> (rows - 1 - row) * columns + (columns - 1 - column)
            270 -> (columns - 1 - column) * rows + row
            else -> row * columns + column
        }
    }
}
