package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import org.slrkeras.core.timing.timed

/** Detects a person in the whole picture. */
internal class PoseDetector(private val network: Network, private val threshold: Float) {
    private val crop = Crop(network.side, -1f, 1f, repeatEdge = false)
    private val anchors = Anchors(network.side, listOf(8, 16, 32, 32, 32))

    /** Region of the person with the best score; null if there is none. */
    fun find(picture: Picture): Region? {
        val padding = crop.fill(picture, Region.WHOLE, network.input)
        network.run()
        val (boxes, scores) = network.outputs
        val detections = decodeDetections(boxes, scores, anchors, POINTS, network.side, threshold)
        val person = weightedSuppression(detections).firstOrNull() ?: return null
        // The points are the centre between the hips and a point on the circle around the person.
        return Region.aligned(
            padding.x(person.points[0]),
            padding.y(person.points[1]),
            padding.x(person.points[2]),
            padding.y(person.points[3]),
            UPWARDS,
            picture.width,
            picture.height,
        ).squared(MARGIN, 0f, picture.width, picture.height)
    }

    internal companion object {
        private const val POINTS = 4
        const val UPWARDS = 90f

        /** Side of the region relative to the diameter of the circle around the person. */
        const val MARGIN = 1.25f
    }
}

/**
 * Tracks 33 points of one person's body.
 *
 * @param follow whether the region of the last picture replaces the detection
 * @param smooth whether landmarks are smoothed
 * @param stopwatch measures the stages
 */
internal class PoseTracker(
    private val detector: PoseDetector,
    private val network: Network,
    private val threshold: Float,
    private val follow: Boolean,
    private val smooth: Boolean,
    private val stopwatch: Stopwatch? = null,
) {
    private val crop = Crop(network.side, 0f, 1f, repeatEdge = true)
    private val scores = ScoreSmoothing(POINTS)
    private val points = Smoothing(POINTS, minimumCutoff = 0.05, speedWeight = 80.0)
    private val circle = Smoothing(2, minimumCutoff = 0.01, speedWeight = 10.0)
    private var region: Region? = null

    /** Forget the tracked person. */
    fun reset() {
        region = null
        restartSmoothing()
    }

    fun restartSmoothing() {
        scores.reset()
        points.reset()
        circle.reset()
    }

    fun track(picture: Picture, seconds: Double): Landmarks? {
        val looked = region ?: stopwatch.timed(Stage.POSE_DETECTION) { detector.find(picture) }
        val all = looked?.takeIf { it.isUsable }?.let {
            stopwatch.timed(Stage.POSE_LANDMARKS) { landmarks(picture, it) }
        }
        if (all == null) {
            reset()
            return null
        }
        val body = all.copy(0, POINTS)
        // Centre of, and a point on, the circle around the person.
        val around = all.copy(POINTS, POINTS + 2)
        stopwatch.timed(Stage.SMOOTHING) { smoothen(body, around, picture, seconds) }
        val next = regionOf(around, picture).squared(PoseDetector.MARGIN, 0f, picture.width, picture.height)
        region = next.takeIf { follow && it.isUsable }
        return body
    }

    private fun smoothen(body: Landmarks, around: Landmarks, picture: Picture, seconds: Double) {
        val size = regionOf(around, picture).let { (it.width * picture.width + it.height * picture.height) / 2 }
        if (smooth) {
            scores.apply(body)
            points.apply(body, seconds, size, picture.width, picture.height)
        }
        circle.apply(around, seconds, size, picture.width, picture.height)
    }

    private fun regionOf(circle: Landmarks, picture: Picture) = Region.aligned(
        circle.x(0),
        circle.y(0),
        circle.x(1),
        circle.y(1),
        PoseDetector.UPWARDS,
        picture.width,
        picture.height,
    )

    /** All points of the model; null if there is no person. */
    private fun landmarks(picture: Picture, region: Region): Landmarks? {
        val padding = crop.fill(picture, region, network.input)
        network.run()
        val raw = network.outputs[0]
        val present = network.outputs[1][0]
        if (!(present > threshold)) return null
        val decoded = decodeLandmarks(raw, ALL_POINTS, network.side, stride = 5, scored = true)
        refineByHeatmap(decoded, network.outputs[HEATMAP], HEATMAP_SIDE, HEATMAP_WINDOW)
        return decoded.projected(region, padding).takeIf { it.isFinite }
    }

    internal companion object {
        const val POINTS = 33
        private const val ALL_POINTS = 39
        private const val HEATMAP = 3
        private const val HEATMAP_SIDE = 64
        private const val HEATMAP_WINDOW = 9
    }
}
