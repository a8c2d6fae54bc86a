package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField
import java.security.MessageDigest
import kotlin.math.abs

private const val VERSION = 1
private const val DIGEST_DIGITS = 16
private const val HEXADECIMAL = "0123456789abcdef"

/**
 * The keypoint contract, `keypoints.json`: the detector's layout and the points that the model reads.
 *
 * `slr_keras/data/contract.py` documents every field.
 *
 * @property layout name of the detector's layout
 * @property sourcePoints names of the detector's points
 * @property sourceChannels channels of the detector's points
 * @property points names of the points that the model reads
 * @property digest digest of all fields
 */
class Contract private constructor(field: JsonField) {
    val layout = field["source"]["name"].text()
    val sourcePoints = field["source"]["points"].texts()
    val sourceChannels = field["source"]["channels"].texts()
    val points = field["points"].texts()
    val channels = field["channels"].texts()
    val imageWidth: Double
    val imageHeight: Double
    val yDown = field["y_axis"].choice("down", "up") == "down"
    val bodyNormalised = field["normalisation"].choice("image", "body") == "body"
    val maxGap = field["max_gap"].whole()
    val interpolatedScore = field["interpolated_score"].number(0.0).toFloat()
    val fps = field["fps"].number(LEAST)
    val digest = digestOf(field.value.canonical())
    internal val root: IntArray
    internal val scale: IntArray
    private val indices = field["indices"].wholes(sourcePoints.indices)
    private val scoreThreshold = field["score_threshold"].number(0.0).toFloat()
    private val zeroIsMissing = field["zero_is_missing"].boolean()

    /** Column of each model channel in the detector's frame, or -1 for a score that the detector lacks. */
    private val columns = channels.map { sourceChannels.indexOf(it) }.toIntArray()

    init {
        field["version"].whole(VERSION..VERSION)
        if (indices.map { sourcePoints[it] } != points) field["indices"].fail("are not the rows of the points")
        if (channels !in listOf(listOf("x", "y", "score"), listOf("x", "y", "z", "score"))) {
            field["channels"].fail("must be x y score or x y z score")
        }
        if (columns.dropLast(1).any { it < 0 }) field["channels"].fail("the detector does not give all of them")
        if (points.isEmpty()) field["points"].fail("at least one")
        val size = field["image_size"].list().map { it.number(LEAST) }
        if (size.size != 2) field["image_size"].fail("must be width and height")
        imageWidth = size[0]
        imageHeight = size[1]
        root = rows(field["root"])
        scale = rows(field["scale"])
        if (root.isEmpty()) field["root"].fail("at least one point")
        if (scale.size != 2) field["scale"].fail("exactly two points")
    }

    /** Number of values of one frame of the detector. */
    val sourceSize get() = sourcePoints.size * sourceChannels.size

    /** Number of values of one frame of the model. */
    val size get() = points.size * channels.size

    /** Row of a point in the model's frame, or -1. */
    fun row(point: String) = points.indexOf(point)

    /**
     * Select the model's points and channels of one frame, in the detector's coordinates.
     *
     * Without a score of the detector, the score is 1 for points that were found and 0 for missing ones.
     *
     * @param raw source points × source channels
     * @throws IllegalArgumentException if the size is another
     */
    fun select(raw: FloatArray): FloatArray {
        require(raw.size == sourceSize) {
            "a frame of layout $layout has ${sourcePoints.size} points of ${sourceChannels.size} channels, " +
                "$sourceSize numbers; this one has ${raw.size}"
        }
        val selected = FloatArray(size)
        val width = channels.size
        for (point in points.indices) {
            val from = indices[point] * sourceChannels.size
            for (channel in 0 until width) {
                val column = columns[channel]
                selected[point * width + channel] = if (column < 0) 1f else raw[from + column]
            }
            if (columns[width - 1] < 0 && missing(selected, point, 0f)) selected[point * width + width - 1] = 0f
        }
        return selected
    }

    /** Whether a point of a selected frame is missing. */
    fun missing(frame: FloatArray, point: Int): Boolean = missing(frame, point, scoreThreshold)

    private fun missing(frame: FloatArray, point: Int, threshold: Float): Boolean {
        val first = point * channels.size
        val last = first + channels.size - 1
        // Also false of NaN.
        for (place in first..last) if (!(abs(frame[place]) < LARGEST)) return true
        val score = frame[last]
        return score <= 0 || score < threshold || zeroIsMissing && frame[first] == 0f && frame[first + 1] == 0f
    }

    private fun rows(field: JsonField): IntArray = field.list().map {
        row(it.text()).also { row -> if (row < 0) it.fail("is not a point that the model sees") }
    }.toIntArray()

    companion object {
        private const val LEAST = Double.MIN_VALUE

        /** No camera gives such coordinates; `slr_keras/data/keypoints.py`. */
        private const val LARGEST = 1e9f

        /**
         * Read `keypoints.json`.
         *
         * @throws org.slrkeras.core.json.JsonException if a field is missing or invalid
         */
        fun read(field: JsonField): Contract = Contract(field)
    }
}

/** First digits of the SHA-256 of a text. */
internal fun digestOf(text: String): String = sha256(text.toByteArray()).take(DIGEST_DIGITS)

/** Hexadecimal SHA-256. */
internal fun sha256(bytes: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") {
        "${HEXADECIMAL[it.toInt() shr 4 and 15]}${HEXADECIMAL[it.toInt() and 15]}"
    }
