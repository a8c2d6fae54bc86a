package org.slrkeras.core.keypoints

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.sin

/**
 * Chooses between the region around the last landmarks and the region that the pose or a detector predicts.
 *
 * @param degrees maximum rotation between the two regions
 * @param shift maximum distance of their centres, relative to the sides of the predicted region
 * @param growth maximum difference of their sides, relative to the sides of the predicted region
 * @param margin enlargement of the predicted region, relative to its sides; it must contain the last landmarks
 */
internal class Following(
    private val degrees: Float,
    private val shift: Float,
    private val growth: Float,
    private val margin: Float,
) {
    /**
     * The region for the model.
     *
     * @param last landmarks of the last picture, or null
     * @param lastRegion region around [last], or null
     * @param fresh region that the pose or a detector predicts
     */
    fun choose(last: Landmarks?, lastRegion: Region?, fresh: Region, width: Int, height: Int): Region {
        if (last == null || lastRegion == null || !lastRegion.isUsable) return fresh
        val agree = regionsAgree(lastRegion, fresh, width, height) && contains(fresh, last, width, height)
        return if (agree) lastRegion else fresh
    }

    private fun regionsAgree(last: Region, fresh: Region, width: Int, height: Int): Boolean {
        val x = (last.x - fresh.x) * width
        val y = (last.y - fresh.y) * height
        val cosine = cos(-fresh.rotation)
        val sine = sin(-fresh.rotation)
        val freshWidth = fresh.width * width
        val freshHeight = fresh.height * height
        val turned = abs(Region.normalised(last.rotation - fresh.rotation)) * 180 / PI
        return turned <= degrees &&
            abs(x * cosine - y * sine) <= freshWidth * shift &&
            abs(x * sine + y * cosine) <= freshHeight * shift &&
            abs(last.width * width - freshWidth) <= freshWidth * growth &&
            abs(last.height * height - freshHeight) <= freshHeight * growth
    }

    private fun contains(region: Region, landmarks: Landmarks, width: Int, height: Int): Boolean {
        val cosine = cos(-region.rotation)
        val sine = sin(-region.rotation)
        val across = region.width * width * (1 + margin) / 2
        val down = region.height * height * (1 + margin) / 2
        return (0 until landmarks.count).all { point ->
            val x = (landmarks.x(point) - region.x) * width
            val y = (landmarks.y(point) - region.y) * height
            abs(x * cosine - y * sine) < across && abs(x * sine + y * cosine) < down
        }
    }
}
