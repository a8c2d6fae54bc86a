package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture
import kotlin.math.abs

/** Searches the whole picture for hands that the pose did not locate. */
internal class LostHands(private val detector: PalmDetector, private val model: HandModel) {
    /** Both hands; a missing one is replaced by a hand that is found in the picture. */
    fun completed(picture: Picture, left: Hand?, right: Hand?): Pair<Hand?, Hand?> {
        if (left != null && right != null) return Pair(left, right)
        val fresh = detector.find(picture)
            .take(MOST_PALMS)
            .filterNot { isAt(it, left) || isAt(it, right) }
            .mapNotNull { model.find(picture, it) }
        return Pair(
            left ?: fresh.firstOrNull { it.rightness < 0.5f },
            right ?: fresh.firstOrNull { it.rightness >= 0.5f },
        )
    }

    /** Whether the centre of a known hand lies in the inner half of the region. */
    private fun isAt(region: Region, hand: Hand?): Boolean {
        val points = hand?.landmarks ?: return false
        val x = (points.x(0) + points.x(9)) / 2
        val y = (points.y(0) + points.y(9)) / 2
        return abs(x - region.x) < region.width / 4 && abs(y - region.y) < region.height / 4
    }

    private companion object {
        // Two hands of the person and two others; each costs one run of the model.
        const val MOST_PALMS = 4
    }
}
