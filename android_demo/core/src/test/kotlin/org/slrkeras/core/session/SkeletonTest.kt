package org.slrkeras.core.session

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.keypoints.Hand
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.Landmarks

class SkeletonTest {
    private fun landmarks(count: Int, score: Float) = Landmarks(
        FloatArray(count * 4) { at -> if (at % 4 == 3) score else at / 4 / 100f },
    )

    private fun found(pose: Landmarks? = null, left: Landmarks? = null, right: Landmarks? = null) =
        HolisticLandmarks(pose, null, left?.let { Hand(it, 0f) }, right?.let { Hand(it, 1f) }, 640, 480)

    @Test
    fun `nobody gives nothing to draw`() {
        assertFalse(Skeleton.points(found()).any { it.seen })
    }

    @Test
    fun `every bone joins two points that there are`() {
        val points = Skeleton.points(found(landmarks(33, 1f), landmarks(21, 0f), landmarks(21, 0f)))
        assertTrue(points.all { it.seen })
        assertTrue(Skeleton.bones.all { (from, to) -> from in points.indices && to in points.indices && from != to })
    }

    @Test
    fun `every point of a hand hangs on its wrist`() {
        for (first in listOf(33, 54)) {
            val joined = HashSet(listOf(first))
            repeat(4) { joined += Skeleton.bones.filter { it.first in joined }.map { it.second } }
            assertEquals((first until first + 21).toSet(), joined)
        }
    }

    @Test
    fun `hidden points of the body are left out, and a hand keeps its side`() {
        val points = Skeleton.points(found(pose = landmarks(33, 0.1f), right = landmarks(21, 0f)))
        assertEquals((54..74).toList(), points.indices.filter { points[it].seen })
        assertEquals(0.2f, points[74].x)
    }

    @Test
    fun `a coordinate that is no number is not drawn`() {
        val broken = Landmarks(FloatArray(33 * 4) { Float.NaN })
        assertFalse(Skeleton.points(found(pose = broken)).any { it.seen })
    }
}
