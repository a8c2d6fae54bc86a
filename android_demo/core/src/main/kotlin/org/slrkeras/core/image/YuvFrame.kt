package org.slrkeras.core.image

/** One plane of a YUV frame: [rowStride] bytes from row to row, [pixelStride] bytes from sample to sample. */
class Plane(val bytes: ByteArray, val rowStride: Int, val pixelStride: Int) {
    /** The unsigned sample at a place. */
    fun at(row: Int, column: Int): Int = bytes[row * rowStride + column * pixelStride].toInt() and 0xFF
}

/** Luma values of black and white: 0 and 255 from cameras, mostly 16 and 235 from video files. */
enum class YuvRange { FULL, LIMITED }

/**
 * A frame of YUV 4:2:0 as cameras and video decoders give it, not yet turned upright.
 *
 * @property luma one sample per pixel
 * @property blue the chroma U (Cb), one sample per two by two pixels
 * @property red the chroma V (Cr), one sample per two by two pixels
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
 * Converts YUV frames to upright pictures of at most [maximumSide] pixels a side, in one pass over the pixels.
 *
 * Scaling takes every n-th pixel, n whole: the keypoint models resample anyway. Nothing is mirrored: a left hand
 * stays a left hand, whichever camera saw it.
 */
class YuvConverter(private val maximumSide: Int = 640) {
    init {
        require(maximumSide > 0) { "pictures of $maximumSide pixels" }
    }

    /**
     * Convert one frame.
     *
     * @param frame of the camera or the decoder
     * @param rotation degrees clockwise by which the frame is turned to be upright: 0, 90, 180 or 270
     * @param into takes the upright picture, at rotation 0; its size is changed to fit
     * @throws IllegalArgumentException if the frame is empty or the rotation is not a right angle
     */
    fun convert(frame: YuvFrame, rotation: Int, into: Picture) {
        requireRightAngle(rotation)
        val step = maxOf(1, ceilingOf(maxOf(frame.width, frame.height), maximumSide))
        val columns = frame.width / step
        val rows = frame.height / step
        val turned = rotation % 180 != 0
        into.resize(if (turned) rows else columns, if (turned) columns else rows)
        val coefficients = if (frame.range == YuvRange.FULL) FULL else LIMITED
        for (row in 0 until rows) {
            for (column in 0 until columns) {
                val pixel = argb(frame, row * step, column * step, coefficients)
                into.pixels[position(row, column, rows, columns, rotation)] = pixel
            }
        }
    }

    private fun argb(frame: YuvFrame, row: Int, column: Int, by: Coefficients): Int {
        val light = by.gain * (frame.luma.at(row, column) - by.black)
        val blue = frame.blue.at(row / 2, column / 2) - NEUTRAL
        val red = frame.red.at(row / 2, column / 2) - NEUTRAL
        return packed(
            clipped(light + by.redOfRed * red),
            clipped(light - by.greenOfBlue * blue - by.greenOfRed * red),
            clipped(light + by.blueOfBlue * blue),
        )
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
        const val NEUTRAL = 128
        const val HALF = 1 shl 15
        val FULL = Coefficients(0, 65536, 91881, 22554, 46802, 116130)
        val LIMITED = Coefficients(16, 76309, 104597, 25675, 53279, 132201)

        fun ceilingOf(value: Int, divisor: Int) = (value + divisor - 1) / divisor

        fun clipped(value: Int): Int = ((value + HALF) shr 16).coerceIn(0, 255)

        /** Index in the upright picture of a pixel of the frame. */
        fun position(row: Int, column: Int, rows: Int, columns: Int, rotation: Int): Int = when (rotation) {
            90 -> column * rows + (rows - 1 - row)
            180 -> (rows - 1 - row) * columns + (columns - 1 - column)
            270 -> (columns - 1 - column) * rows + row
            else -> row * columns + column
        }
    }
}
