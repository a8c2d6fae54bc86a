package org.slrkeras.core.keypoints

import kotlin.math.PI
import kotlin.math.atan2
import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.sin

/**
 * A turned rectangle in a picture: where a model looks.
 *
 * Centre and sides are fractions of the picture's width and height; [rotation] is in radians, clockwise as seen.
 */
internal class Region(val x: Float, val y: Float, val width: Float, val height: Float, val rotation: Float) {
    /** Whether a crop of it can be made at all. */
    val isUsable: Boolean
        get() = x.isFinite() &&
            y.isFinite() &&
            rotation.isFinite() &&
            width.isFinite() &&
            height.isFinite() &&
            width > 0 &&
            height > 0

    /**
     * The square on the longer side, [scale] times as large, moved by [shiftY] of the height along its own vertical.
     *
     * @param width of the picture, in pixels
     * @param height of the picture, in pixels
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
        /** All of a picture. */
        val WHOLE = Region(0.5f, 0.5f, 1f, 1f, 0f)

        /**
         * A square around a point, through another: its side is twice their distance.
         *
         * It is turned so that the way from [x], [y] to [towardsX], [towardsY] has direction [target] in it: in
         * degrees,
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
         * The rotation that gives the way between two points the direction [target].
         *
         * Points are in pixels, the direction in degrees, the rotation in radians.
         */
        fun rotationTo(x: Float, y: Float, towardsX: Float, towardsY: Float, target: Float): Float =
            normalised((target * PI / 180).toFloat() - atan2(-(towardsY - y), towardsX - x))

        /** The same angle between -π and π. */
        fun normalised(radians: Float): Float =
            (radians - 2 * PI * floor((radians + PI) / (2 * PI))).toFloat()
    }
}
