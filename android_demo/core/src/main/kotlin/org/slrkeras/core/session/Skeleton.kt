package org.slrkeras.core.session

import org.slrkeras.core.keypoints.Hand
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.Landmarks
import org.slrkeras.core.keypoints.PoseTracker

/** A point to draw: [x] and [y] as fractions of the picture's width and height, NaN if the point is missing. */
class DrawnPoint(val x: Float, val y: Float) {
    /** Whether the point is drawn. */
    val seen: Boolean get() = x.isFinite() && y.isFinite()
}

/** The drawn part of a person: the upper body and both hands. */
object Skeleton {
    private const val VISIBLE = 0.5f
    private val ARMS = listOf(11 to 12, 11 to 13, 13 to 15, 12 to 14, 14 to 16, 11 to 23, 12 to 24, 23 to 24)
    private val FINGERS = (1..17 step 4).flatMap { root -> listOf(0 to root) + (root..root + 2).map { it to it + 1 } }

    /** Lines of the skeleton, as pairs of indices into [points]. */
    val bones: List<Pair<Int, Int>> = ARMS + hand(PoseTracker.POINTS) + hand(PoseTracker.POINTS + Hand.POINTS)

    /** Points of body, left hand and right hand; missing points and hidden points of the body are NaN. */
    fun points(landmarks: HolisticLandmarks): List<DrawnPoint> =
        part(landmarks.pose, PoseTracker.POINTS, VISIBLE) +
            part(landmarks.left?.landmarks, Hand.POINTS, null) +
            part(landmarks.right?.landmarks, Hand.POINTS, null)

    private fun hand(first: Int) = FINGERS.map { (from, to) -> first + from to first + to }

    private fun part(landmarks: Landmarks?, count: Int, least: Float?): List<DrawnPoint> = List(count) { point ->
        if (landmarks == null || (least != null && landmarks.score(point) < least)) UNSEEN
        else DrawnPoint(landmarks.x(point), landmarks.y(point))
    }

    private val UNSEEN = DrawnPoint(Float.NaN, Float.NaN)
}
