package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture
import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.sin

/**
 * Cuts a region out of a picture, turns it upright and scales it to the input of a model.
 *
 * The arithmetic is that of OpenCV's `warpPerspective` with bilinear interpolation, as in MediaPipe: positions in 1/32
 * of a pixel, values rounded to whole numbers.
 *
 * @param side width and height of the output, in pixels
 * @param low output value of black
 * @param high output value of white
 * @param repeatEdge whether the picture is continued by its edge; otherwise it is surrounded by black
 */
internal class Crop(private val side: Int, low: Float, high: Float, private val repeatEdge: Boolean) {
    private val value = FloatArray(256) { level -> level * ((high - low) / 255f) + low }

    /** Bars beside the region in the square output, as fractions of the output. */
    class Padding(val horizontal: Float, val vertical: Float) {
        /** x in the region of [x] in the output. */
        fun x(x: Float) = (x - horizontal) / (1 - 2 * horizontal)

        fun y(y: Float) = (y - vertical) / (1 - 2 * vertical)

        /** Depth has the unit of x. */
        fun z(z: Float) = z / (1 - 2 * horizontal)
    }

    /**
     * Write the crop of [region] to [into] (side x side x 3, red first).
     *
     * @param keepShape whether a region that is not square gets bars; otherwise it is stretched
     */
    fun fill(picture: Picture, region: Region, into: FloatArray, keepShape: Boolean = true): Padding {
        var width = region.width.toDouble() * picture.width
        var height = region.height.toDouble() * picture.height
        var padding = Padding(0f, 0f)
        if (keepShape && height < width) {
            padding = Padding(0f, ((1 - height / width) / 2).toFloat())
            height = width
        } else if (keepShape && width < height) {
            padding = Padding(((1 - width / height) / 2).toFloat(), 0f)
            width = height
        }
        val cosine = cos(region.rotation.toDouble())
        val sine = sin(region.rotation.toDouble())
        val left = region.x.toDouble() * picture.width - width / 2 * cosine + height / 2 * sine
        val top = region.y.toDouble() * picture.height - width / 2 * sine - height / 2 * cosine
        val rightX = width / side * cosine
        val rightY = width / side * sine
        val downX = -height / side * sine
        val downY = height / side * cosine
        // A rotation is affine: three points define the stored position of every output pixel.
        val startX = picture.storedX(left, top)
        val startY = picture.storedY(left, top)
        sample(
            picture,
            into,
            startX,
            startY,
            picture.storedX(left + rightX, top + rightY) - startX,
            picture.storedY(left + rightX, top + rightY) - startY,
            picture.storedX(left + downX, top + downY) - startX,
            picture.storedY(left + downX, top + downY) - startY,
        )
        return padding
    }

    private fun sample(
        picture: Picture,
        into: FloatArray,
        startX: Double,
        startY: Double,
        columnX: Double,
        columnY: Double,
        rowX: Double,
        rowY: Double,
    ) {
        var at = 0
        for (row in 0 until side) {
            for (column in 0 until side) {
                val x = floor((startX + column * columnX + row * rowX) * STEPS + 0.5).toInt()
                val y = floor((startY + column * columnY + row * rowY) * STEPS + 0.5).toInt()
                pixel(picture, x, y, into, at)
                at += 3
            }
        }
    }

    /** The value at (x, y), in 1/32 of a pixel. */
    private fun pixel(picture: Picture, x: Int, y: Int, into: FloatArray, at: Int) {
        val column = x shr STEP_BITS
        val row = y shr STEP_BITS
        val right = x and STEPS - 1
        val down = y and STEPS - 1
        val first = stored(picture, column, row)
        val second = stored(picture, column + 1, row)
        val third = stored(picture, column, row + 1)
        val fourth = stored(picture, column + 1, row + 1)
        val w1 = (STEPS - right) * (STEPS - down)
        val w2 = right * (STEPS - down)
        val w3 = (STEPS - right) * down
        val w4 = right * down
        var channel = 0
        while (channel < 3) {
            val shift = 16 - 8 * channel
            val sum = w1 * (first shr shift and 0xFF) + w2 * (second shr shift and 0xFF) +
                w3 * (third shr shift and 0xFF) + w4 * (fourth shr shift and 0xFF)
            into[at + channel] = value[sum + SUM / 2 shr 2 * STEP_BITS]
            channel++
        }
    }

    private fun stored(picture: Picture, x: Int, y: Int): Int {
        val inside = x >= 0 && y >= 0 && x < picture.storedWidth && y < picture.storedHeight
        return when {
            inside -> picture.argb(x, y)
            repeatEdge -> picture.argb(x.coerceIn(0, picture.storedWidth - 1), y.coerceIn(0, picture.storedHeight - 1))
            else -> 0
        }
    }

    private companion object {
        const val STEP_BITS = 5
        const val STEPS = 1 shl STEP_BITS
        const val SUM = STEPS * STEPS
    }
}
