package org.slrkeras.core.keypoints

import kotlin.math.PI
import kotlin.math.abs

/**
 * One-euro filter of tracked landmarks (Casiez, Roussel and Vogel, CHI 2012).
 *
 * Slow points are smoothed strongly, fast points weakly. Speed is relative to the size of the object, so that the
 * distance from the camera does not matter.
 *
 * @param points number of points
 * @param minimumCutoff cutoff frequency of a resting point, in Hz
 * @param speedWeight increase of the cutoff frequency with the speed, in Hz per object size per second
 * @param speedCutoff cutoff frequency of the filter of the speed, in Hz
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

    /** Forget all landmarks: the next ones are not smoothed. */
    fun reset() {
        lastTime = Double.NaN
    }

    /**
     * Smooth x, y and z of [landmarks], in place.
     *
     * @param seconds time of the picture; a time that is not after the last one restarts the filter
     * @param size size of the object, in pixels
     * @param width width of the picture, in pixels
     * @param height height of the picture, in pixels
     */
    fun apply(landmarks: Landmarks, seconds: Double, size: Float, width: Int, height: Int) {
        // The relative speed is undefined without a size.
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

/** Exponential smoothing of scores: a new score has the weight [weight]. */
internal class ScoreSmoothing(points: Int, private val weight: Float = 0.1f) {
    private val smooth = FloatArray(points)
    private var followed = false

    /** Forget all landmarks: the next ones are not smoothed. */
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
