package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture

/** Detects the face near the head points of the pose. */
internal class FaceDetector(private val network: Network, private val threshold: Float) {
    private val crop = Crop(network.side, -1f, 1f, repeatEdge = false)
    private val anchors = Anchors(network.side, listOf(8, 16, 16, 16))

    /** Region of the face; null if no face is detected. */
    fun find(picture: Picture, pose: Landmarks): Region? {
        val near = aroundFace(pose, RIGHT_EYE, LEFT_EYE, 3f, picture, pose.copy(0, HEAD_POINTS))
        if (!near.isUsable) return null
        val padding = crop.fill(picture, near, network.input)
        network.run()
        val (boxes, scores) = network.outputs
        val detections = decodeDetections(boxes, scores, anchors, POINTS, network.side, threshold)
        val face = weightedSuppression(detections).firstOrNull() ?: return null
        val points = Landmarks(POINTS)
        for (point in 0 until POINTS) {
            points[point, 0] = face.points[2 * point]
            points[point, 1] = face.points[2 * point + 1]
        }
        val placed = points.projected(near, padding)
        return aroundFace(placed, 0, 1, 2f, picture, placed, -0.1f).takeIf { it.isUsable }
    }

    private companion object {
        const val POINTS = 6
        const val HEAD_POINTS = 11
        const val RIGHT_EYE = 5
        const val LEFT_EYE = 2
    }
}

/** Tracks 468 points of the face. */
internal class FaceTracker(
    private val detector: FaceDetector,
    private val network: Network,
    private val follow: Boolean,
) {
    private val crop = Crop(network.side, 0f, 1f, repeatEdge = true)
    private val following = Following(degrees = 15f, shift = 0.1f, growth = 0.3f, margin = -0.2f)
    private var last: Landmarks? = null

    /** Forget the tracked face. */
    fun reset() {
        last = null
    }

    fun track(picture: Picture, pose: Landmarks): Landmarks? {
        val face = detector.find(picture, pose)?.let { fresh ->
            val around = last?.let { aroundFace(it, RIGHT_CORNER, LEFT_CORNER, 1.5f, picture, it) }
            landmarks(picture, following.choose(last, around, fresh, picture.width, picture.height))
        }
        last = face?.takeIf { follow }
        return face
    }

    private fun landmarks(picture: Picture, region: Region): Landmarks? {
        val padding = crop.fill(picture, region, network.input, keepShape = false)
        network.run()
        if (!(sigmoid(network.outputs[1][0]) > LEAST_PRESENCE)) return null
        return decodeLandmarks(network.outputs[0], POINTS, network.side)
            .projected(region, padding)
            .takeIf { it.isFinite }
    }

    internal companion object {
        const val POINTS = 468
        private const val LEAST_PRESENCE = 0.5f
        private const val RIGHT_CORNER = 33
        private const val LEFT_CORNER = 263
    }
}

/** The square around [within], with the rotation of the line from point [right] to point [left] of [eyes]. */
private fun aroundFace(
    eyes: Landmarks,
    right: Int,
    left: Int,
    scale: Float,
    picture: Picture,
    within: Landmarks,
    shift: Float = 0f,
): Region {
    val turn = Region.rotationTo(
        eyes.x(right) * picture.width,
        eyes.y(right) * picture.height,
        eyes.x(left) * picture.width,
        eyes.y(left) * picture.height,
        0f,
    )
    // The box is aligned with the picture, whatever the rotation.
    val box = boundingRegion(within, 0f, picture.width, picture.height)
    return Region(box.x, box.y, box.width, box.height, turn).squared(scale, shift, picture.width, picture.height)
}
