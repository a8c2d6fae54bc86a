package org.slrkeras.core.keypoints

/**
 * Landmarks of one person in one picture; a part that was not found is null.
 *
 * Coordinates are fractions of the upright picture; see [Landmarks].
 *
 * @property pose 33 points of the body
 * @property face 468 points of the face; null also if the face is not tracked
 * @property left the person's left hand
 * @property right the person's right hand
 * @property width width of the upright picture, in pixels
 * @property height height of the upright picture, in pixels
 */
class HolisticLandmarks(
    val pose: Landmarks?,
    val face: Landmarks?,
    val left: Hand?,
    val right: Hand?,
    val width: Int,
    val height: Int,
) {
    /**
     * All points in the order of the layout `mediapipe_holistic_543`: pose, face, left hand, right hand.
     *
     * @return 543 x 4: x, y and z in pixels (z in the unit of x), score; zeros for missing parts
     */
    fun inPixels(): FloatArray {
        val points = FloatArray(POINTS * Landmarks.CHANNELS)
        fun put(first: Int, part: Landmarks?) {
            part?.values?.copyInto(points, first * Landmarks.CHANNELS)
        }
        put(0, pose)
        put(PoseTracker.POINTS, face)
        put(PoseTracker.POINTS + FaceTracker.POINTS, left?.landmarks)
        put(PoseTracker.POINTS + FaceTracker.POINTS + Hand.POINTS, right?.landmarks)
        for (at in points.indices) {
            when (at % Landmarks.CHANNELS) {
                0, 2 -> points[at] *= width.toFloat()
                1 -> points[at] *= height.toFloat()
            }
        }
        return points
    }

    companion object {
        /** Number of points of the layout. */
        const val POINTS = 543

        /** Name of the layout. */
        const val LAYOUT = "mediapipe_holistic_543"
    }
}
