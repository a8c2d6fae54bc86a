package org.slrkeras.core.keypoints

import kotlin.math.PI
import kotlin.math.atan2
import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.sin

/**
 * A rotated rectangle in a picture, which becomes the input of a model.
 *
 * Centre and sides are fractions of the picture's width and height; [rotation] is in radians, clockwise on the screen.
 */
internal class Region(val x: Float, val y: Float, val width: Float, val height: Float, val rotation: Float) {
    /** Whether a crop is possible: all values are finite and the sides positive. */
    val isUsable: Boolean
        get() = x.isFinite() &&
            y.isFinite() &&
            rotation.isFinite() &&
            width.isFinite() &&
            height.isFinite() &&
            width > 0 &&
            height > 0

    /**
     * The square on the longer side, scaled by [scale], moved by [shiftY] of the height along its own vertical axis.
     *
     * @param width width of the picture, in pixels
     * @param height height of the picture, in pixels
     */
    fun squared(scale: Float, shiftY: Float, width: Int, height: Int): Region {
        val down = height * this.height * shiftY
        val side = max(this.width * width, this.height * height) * scale
        return Region(
            x - down * sin(rotation) / width,
            y + down * cos(rotation) / height,
            side / width,
            side / height,
            rotation,
        )
    }

    companion object {
        /** The whole picture. */
        val WHOLE = Region(0.5f, 0.5f, 1f, 1f, 0f)

        /**
         * The square around one point whose side is twice the distance to another point.
         *
         * Within the square, the direction from ([x], [y]) to ([towardsX], [towardsY]) is [target]: in degrees,
         * anticlockwise from the right.
         */
        fun aligned(
            x: Float,
            y: Float,
            towardsX: Float,
            towardsY: Float,
            target: Float,
            width: Int,
            height: Int,
        ): Region {
            val side = 2 * hypot((towardsX - x) * width, (towardsY - y) * height)
            val turn = rotationTo(x * width, y * height, towardsX * width, towardsY * height, target)
            return Region(x, y, side / width, side / height, turn)
        }

        /**
         * The rotation in radians after which the direction between two points is [target].
         *
         * Points are in pixels, [target] is in degrees.
         */
        fun rotationTo(x: Float, y: Float, towardsX: Float, towardsY: Float, target: Float): Float =
            normalised((target * PI / 180).toFloat() - atan2(-(towardsY - y), towardsX - x))

        /** The same angle in the range from -π to π. */
        fun normalised(radians: Float): Float =
            (radians - 2 * PI * floor((radians + PI) / (2 * PI))).toFloat()
    }
}
