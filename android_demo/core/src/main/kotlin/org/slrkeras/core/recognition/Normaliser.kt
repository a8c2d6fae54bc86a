package org.slrkeras.core.recognition

import kotlin.math.hypot
import kotlin.math.max

/**
 * Converts filled frames to the model's coordinates; `slr_keras/streaming/landmarks.py`.
 *
 * @param referenceFrames number of frames whose medians are the origin and the unit of body coordinates
 */
internal class Normaliser(private val contract: Contract, private val referenceFrames: Int) {
    private val channels = contract.channels.size
    private val recent = ArrayDeque<FloatArray>()

    /** Number of stored frames. */
    val length: Int get() = recent.size

    /** Forget all frames. */
    fun reset() = recent.clear()

    /** Convert one frame: y up, missing points all zeros. */
    fun normalise(points: FloatArray): FloatArray {
        val frame = if (contract.bodyNormalised) body(points) else image(points)
        for (point in contract.points.indices) {
            if (score(frame, point) <= 0) frame.fill(0f, point * channels, (point + 1) * channels)
        }
        return frame
    }

    private fun image(points: FloatArray): FloatArray {
        val across = (2 / contract.imageWidth).toFloat()
        val up = (2 / contract.imageHeight).toFloat()
        val result = points.copyOf()
        for (first in result.indices step channels) {
            result[first] = points[first] * across - 1
            result[first + 1] = if (contract.yDown) points[first + 1] * -up + 1 else points[first + 1] * up - 1
            if (channels == 4) result[first + 2] = points[first + 2] * across
        }
        return result
    }

    private fun body(points: FloatArray): FloatArray {
        // Without root and scale in this frame, the last frames define them.
        if ((contract.root + contract.scale).any { score(points, it) > 0 }) {
            if (recent.size == referenceFrames) recent.removeFirst()
            recent.addLast(points.copyOf())
        }
        val clip = recent + listOf(points)
        val result = points.copyOf()
        if (clip.none { frame -> contract.points.indices.any { score(frame, it) > 0 } }) return result
        // The least numbers have no half.
        val unit = unit(clip).toFloat().let { if (it > 0) it else 1f }
        val origin = origin(clip)
        for (first in result.indices step channels) {
            for (channel in 0 until channels - 1) {
                val value = (points[first + channel] - origin[channel]) / unit
                result[first + channel] = if (channel == 1 && contract.yDown) -value else value
            }
        }
        return result
    }

    /** Median of the mean of the root points; of any of them, or of all points, where they are not seen together. */
    private fun origin(clip: List<FloatArray>): FloatArray {
        val root = contract.root
        val together = clip.filter { frame -> root.all { score(frame, it) > 0 } }
        if (together.isNotEmpty()) {
            return FloatArray(channels - 1) { channel ->
                median(
                    together.map { frame ->
                        var sum = 0f
                        for (point in root) sum += frame[point * channels + channel]
                        sum / root.size
                    },
                )
            }
        }
        val all = contract.points.indices.toList().toIntArray()
        val seen = if (clip.any { frame -> root.any { score(frame, it) > 0 } }) root else all
        return FloatArray(channels - 1) { channel ->
            median(
                clip.flatMap { frame ->
                    seen.filter { score(frame, it) > 0 }.map { frame[it * channels + channel] }
                },
            )
        }
    }

    /** Median distance of the scale points; else half the longer side of the box around all points seen. */
    private fun unit(clip: List<FloatArray>): Double {
        val (one, other) = contract.scale[0] to contract.scale[1]
        val spans = clip.filter { score(it, one) > 0 && score(it, other) > 0 }.map { frame ->
            val across = frame[one * channels] - frame[other * channels]
            hypot(across, frame[one * channels + 1] - frame[other * channels + 1])
        }
        if (spans.isNotEmpty()) {
            val distance = median(spans)
            if (distance > 0) return distance.toDouble()
        }
        var longest = 0f
        for (channel in 0..1) {
            var (least, most) = Float.MAX_VALUE to -Float.MAX_VALUE
            for (frame in clip) {
                for (point in contract.points.indices) {
                    if (score(frame, point) <= 0) continue
                    least = minOf(least, frame[point * channels + channel])
                    most = maxOf(most, frame[point * channels + channel])
                }
            }
            longest = max(longest, most - least)
        }
        return if (longest > 0) longest / 2.0 else 1.0
    }

    private fun score(frame: FloatArray, point: Int) = frame[(point + 1) * channels - 1]

    private fun median(values: List<Float>): Float {
        val sorted = values.toFloatArray().also { it.sort() }
        val middle = sorted.size / 2
        return if (sorted.size % 2 == 1) sorted[middle] else (sorted[middle - 1] + sorted[middle]) / 2
    }
}
