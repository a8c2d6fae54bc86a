package org.slrkeras.core.keypoints

import kotlin.math.cos
import kotlin.math.sin

/**
 * Points of one part of the body.
 *
 * @property values x, y, z and score of each point: x and y as fractions of the upright picture's width and height
 *   (below 0 or above 1 outside of the picture), z in the unit of x (smaller is nearer), score from 0 to 1
 */
class Landmarks(val values: FloatArray) {
    init {
        require(values.size % CHANNELS == 0) { "${values.size} values are not of points with $CHANNELS each" }
    }

    constructor(count: Int) : this(FloatArray(CHANNELS * count))

    /** Number of points. */
    val count: Int get() = values.size / CHANNELS

    fun x(point: Int): Float = values[CHANNELS * point]

    fun y(point: Int): Float = values[CHANNELS * point + 1]

    fun z(point: Int): Float = values[CHANNELS * point + 2]

    /** Visibility of a point of the body; 1 for points of hands and faces, which are found or missing as a whole. */
    fun score(point: Int): Float = values[CHANNELS * point + 3]

    internal val isFinite: Boolean get() = values.all { it.isFinite() }

    internal operator fun set(point: Int, channel: Int, value: Float) {
        values[CHANNELS * point + channel] = value
    }

    internal fun copy(first: Int, end: Int) = Landmarks(values.copyOfRange(CHANNELS * first, CHANNELS * end))

    /** Convert fractions of the crop of [region] to fractions of the picture. */
    internal fun projected(region: Region, padding: Crop.Padding): Landmarks {
        val cosine = cos(region.rotation)
        val sine = sin(region.rotation)
        val placed = Landmarks(count)
        for (point in 0 until count) {
            val x = padding.x(x(point)) - 0.5f
            val y = padding.y(y(point)) - 0.5f
            placed[point, 0] = (cosine * x - sine * y) * region.width + region.x
            placed[point, 1] = (sine * x + cosine * y) * region.height + region.y
            placed[point, 2] = padding.z(z(point)) * region.width
            placed[point, 3] = score(point)
        }
        return placed
    }

    companion object {
        /** Values per point. */
        const val CHANNELS = 4
    }
}

/**
 * Decode the output of a landmark model, as fractions of its input.
 *
 * @param raw [stride] values per point: x, y and z in pixels of the input; if [scored], the visibility before its
 *   sigmoid; values that are ignored
 * @param depth divisor of z
 */
internal fun decodeLandmarks(
    raw: FloatArray,
    count: Int,
    side: Int,
    stride: Int = 3,
    scored: Boolean = false,
    depth: Float = 1f,
): Landmarks {
    val decoded = Landmarks(count)
    for (point in 0 until count) {
        val at = point * stride
        decoded[point, 0] = raw[at] / side
        decoded[point, 1] = raw[at + 1] / side
        decoded[point, 2] = raw[at + 2] / side / depth
        decoded[point, 3] = if (scored) sigmoid(raw[at + 3]) else 1f
    }
    return decoded
}

/**
 * Move each point to the weighted mean of the heat map in a window around it, if the map is confident there.
 *
 * @param map side x side x points, before the sigmoid
 * @param window width and height of the window, in cells
 * @param sure minimum of the greatest confidence in the window
 */
internal fun refineByHeatmap(landmarks: Landmarks, map: FloatArray, side: Int, window: Int, sure: Float = 0.5f) {
    val around = (window - 1) / 2
    val points = landmarks.count
    for (point in 0 until points) {
        val column = (landmarks.x(point) * side).toInt()
        val row = (landmarks.y(point) * side).toInt()
        if (column !in 0 until side || row < 0) continue
        var sum = 0f
        var most = 0f
        var acrossSum = 0f
        var downSum = 0f
        for (down in maxOf(0, row - around) until minOf(side, row + around + 1)) {
            for (across in maxOf(0, column - around) until minOf(side, column + around + 1)) {
                val confidence = sigmoid(map[(down * side + across) * points + point])
                sum += confidence
                most = maxOf(most, confidence)
                acrossSum += across * confidence
                downSum += down * confidence
            }
        }
        if (most >= sure && sum > 0) {
            landmarks[point, 0] = acrossSum / side / sum
            landmarks[point, 1] = downSum / side / sum
        }
    }
}
