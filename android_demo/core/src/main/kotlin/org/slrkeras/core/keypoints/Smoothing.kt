package org.slrkeras.core.keypoints

import kotlin.math.PI
import kotlin.math.abs

/**
 * Takes the jitter out of landmarks that are followed: the one-euro filter (Casiez, Roussel and Vogel, CHI 2012).
 *
 * Slow points are smoothed much, fast ones little. Speed is measured in sizes of the object, so that people far and
 * near
 * are smoothed alike.
 *
 * @param points how many
 * @param minimumCutoff of a point that rests, in Hz
 * @param speedWeight Hz for each size of the object a second
 * @param speedCutoff of the filter of the speed, in Hz
 */
internal class Smoothing(
    private val points: Int,
    private val minimumCutoff: Double,
    private val speedWeight: Double,
    private val speedCutoff: Double = 1.0,
) {
    private val last = DoubleArray(3 * points)
    private val smooth = DoubleArray(3 * points)
    private val speed = DoubleArray(3 * points)
    private var lastTime = Double.NaN

    /** Forget what was followed. */
    fun reset() {
        lastTime = Double.NaN
    }

    /**
     * Smooth x, y and z of [landmarks], in place.
     *
     * @param seconds its time; where it is not after the last, the filter starts again
     * @param size of the object, in pixels
     * @param width of the picture, in pixels
     * @param height of the picture, in pixels
     */
    fun apply(landmarks: Landmarks, seconds: Double, size: Float, width: Int, height: Int) {
        // What has no size has no speed in sizes.
        if (!(size > SMALLEST)) return
        val starts = !(seconds > lastTime)
        val interval = seconds - lastTime
        lastTime = seconds
        val speedFactor = if (starts) 0.0 else factor(speedCutoff, interval)
        for (point in 0 until points) {
            for (channel in 0 until 3) {
                val at = 3 * point + channel
                val scale = if (channel == 1) height else width
                val value = (landmarks.values[Landmarks.CHANNELS * point + channel] * scale).toDouble()
                if (starts) {
                    smooth[at] = value
                    speed[at] = 0.0
                } else {
                    val now = (value - last[at]) / size / interval
                    speed[at] += speedFactor * (now - speed[at])
                    val cutoff = minimumCutoff + speedWeight * abs(speed[at])
                    smooth[at] += factor(cutoff, interval) * (value - smooth[at])
                }
                last[at] = value
                landmarks[point, channel] = (smooth[at] / scale).toFloat()
            }
        }
    }

    private fun factor(cutoff: Double, interval: Double) = 1 / (1 + 1 / (2 * PI * cutoff * interval))

    private companion object {
        const val SMALLEST = 1e-6f
    }
}

/** Takes the jitter out of scores: each is mixed into those before it with weight [weight]. */
internal class ScoreSmoothing(points: Int, private val weight: Float = 0.1f) {
    private val smooth = FloatArray(points)
    private var followed = false

    /** Forget what was followed. */
    fun reset() {
        followed = false
    }

    /** Smooth the scores of [landmarks], in place. */
    fun apply(landmarks: Landmarks) {
        for (point in smooth.indices) {
            val score = landmarks.score(point)
            smooth[point] = if (followed) weight * score + (1 - weight) * smooth[point] else score
            landmarks[point, 3] = smooth[point]
        }
        followed = true
    }
}
