package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture
import kotlin.math.abs

/** Looks in all of a picture for hands that the body's points did not lead to. */
internal class LostHands(private val detector: PalmDetector, private val model: HandModel) {
    /** The left and the right hand, where one was missing and is found now. */
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

    /** Whether the middle of a hand that is known lies in the region's inner half. */
    private fun isAt(region: Region, hand: Hand?): Boolean {
        val points = hand?.landmarks ?: return false
        val x = (points.x(0) + points.x(9)) / 2
        val y = (points.y(0) + points.y(9)) / 2
        return abs(x - region.x) < region.width / 4 && abs(y - region.y) < region.height / 4
    }

    private companion object {
        // The person's own two, and two that are not: more would cost a model's run each.
        const val MOST_PALMS = 4
    }
}
