package org.slrkeras.core.pipeline

import org.slrkeras.core.json.JsonField
import org.slrkeras.core.json.parseJson
import org.slrkeras.core.keypoints.FaceTracker
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.PoseTracker
import org.slrkeras.core.recognition.BundleException
import org.slrkeras.core.recognition.Contract

/**
 * Arranges the tracker's landmarks in the layout of a bundle, as `slr_keras/recognition/layout_matching.py` does.
 *
 * Points and channels are matched by name. A bundle of another layout works if the tracker has all points that the
 * model reads; the other points of the layout are missing.
 *
 * @param contract contract of the bundle
 * @param layout text of `slr_keras/data/layouts/mediapipe_holistic_543.json`, which names the tracker's points
 * @throws BundleException if the tracker lacks a point or a channel of the model; the message names it
 */
class Arrangement(private val contract: Contract, layout: String) {
    // Index of the tracker's point per point of the source layout; -1 for points that the model does not read.
    private val points: IntArray
    private val channels: IntArray
    private val width: Int
    private val count: Int

    /** Whether the model reads a point of the face's surface; tracking these costs time that other models can save. */
    val readsFace: Boolean

    init {
        val description = JsonField(parseJson(layout, LAYOUT_FILE), LAYOUT_FILE)
        val names = description["points"].texts()
        val known = description["channels"].texts()
        if (names.size != HolisticLandmarks.POINTS) {
            description["points"].fail("must be ${HolisticLandmarks.POINTS} names")
        }
        lacking("points", contract.points, names)
        lacking("channels", contract.sourceChannels, known)
        count = names.size
        width = known.size
        val seen = contract.points.toSet()
        points = contract.sourcePoints.map { if (it in seen) names.indexOf(it) else -1 }.toIntArray()
        channels = contract.sourceChannels.map { known.indexOf(it) }.toIntArray()
        readsFace = names.subList(PoseTracker.POINTS, PoseTracker.POINTS + FaceTracker.POINTS).any { it in seen }
    }

    private fun lacking(what: String, wanted: List<String>, known: List<String>) {
        val absent = wanted - known.toSet()
        if (absent.isEmpty()) return
        throw BundleException(
            "the model was trained on ${absent.size} $what of ${contract.layout} that the tracker does not find " +
                "(${absent.take(FEW).joinToString()}); export a bundle whose $what ${HolisticLandmarks.LAYOUT} has",
        )
    }

    /**
     * The landmarks as input of the recogniser.
     *
     * @return source points x source channels of the contract; x, y and depth in pixels of the contract's image if it
     *   normalises by the image; NaN for points that the model does not read
     */
    fun arranged(landmarks: HolisticLandmarks): FloatArray {
        val values = landmarks.inPixels()
        check(values.size == count * width) { "${values.size} values of $count points" }
        val scaleX = if (contract.bodyNormalised) 1f else (contract.imageWidth / landmarks.width).toFloat()
        val scaleY = if (contract.bodyNormalised) 1f else (contract.imageHeight / landmarks.height).toFloat()
        val scales = contract.sourceChannels.map { name ->
            when (name) {
                // Depth is in the units of x.
                "x", "z" -> scaleX
                "y" -> scaleY
                else -> 1f
            }
        }
        val result = FloatArray(points.size * channels.size) { Float.NaN }
        for ((row, point) in points.withIndex()) {
            if (point < 0) continue
            for (column in channels.indices) {
                result[row * channels.size + column] = values[point * width + channels[column]] * scales[column]
            }
        }
        return result
    }

    private companion object {
        const val LAYOUT_FILE = "${HolisticLandmarks.LAYOUT}.json"
        const val FEW = 3
    }
}
