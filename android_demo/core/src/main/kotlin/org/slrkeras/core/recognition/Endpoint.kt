package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField
import kotlin.math.hypot

/**
 * Definition of rest; `slr_keras/streaming/endpoint.py` documents the fields.
 *
 * @property wrists possible names of the wrist, per hand
 * @property shoulders possible names of the shoulder, per side
 */
class RestOptions(
    val low: Double,
    val slow: Double,
    val frames: Int,
    val share: Double,
    val start: Int,
    val lead: Int,
    val longest: Int,
    val wrists: List<List<String>>,
    val shoulders: List<List<String>>,
) {
    companion object {
        /** Read `streaming.recogniser` of `metadata.json`. */
        fun read(field: JsonField): RestOptions {
            val rest = field["rest"]
            return RestOptions(
                low = rest["low"].number(),
                slow = rest["slow"].number(),
                frames = rest["frames"].whole(),
                share = rest["share"].number(0.0),
                start = rest["start"].whole(),
                lead = rest["lead"].whole(),
                longest = rest["longest"].whole(1..Int.MAX_VALUE),
                wrists = pair(field["wrists"]),
                shoulders = pair(field["shoulders"]),
            )
        }

        private fun pair(field: JsonField): List<List<String>> =
            field.list().map { it.texts() }.also { if (it.size != 2) field.fail("must be left and right") }
    }
}

/**
 * Decides for every frame whether the hands rest: low and slow, in shoulder widths.
 *
 * A missing wrist keeps its last state; before its first appearance, it rests.
 */
internal class RestDetector(private val contract: Contract, val options: RestOptions) {
    private val channels = contract.channels.size
    private val wrists = options.wrists.map(::rowOf)
    private val shoulders = options.shoulders.map(::rowOf)

    /** Whether the contract has the necessary wrists and shoulders. */
    val able = (wrists + shoulders).all { it >= 0 }

    private val last = arrayOfNulls<Place>(2)
    private val resting = BooleanArray(2) { true }
    private var unit: ShoulderLine? = null

    private class Place(val x: Double, val y: Double)

    /** Height of the shoulders and the distance between them. */
    private class ShoulderLine(val height: Double, val width: Double)

    /** Forget the positions of the hands. */
    fun reset() {
        last.fill(null)
        resting.fill(true)
        unit = null
    }

    /** Whether both hands rest in a frame of the model's coordinates. */
    fun rests(frame: FloatArray): Boolean {
        if (!able) return false
        if (shoulders.all { seen(frame, it) }) {
            val (left, right) = shoulders.map { place(frame, it) }
            val width = hypot(left.x - right.x, left.y - right.y)
            if (width > 0) unit = ShoulderLine((left.y + right.y) / 2, width)
        }
        val known = unit
        for ((hand, row) in wrists.withIndex()) {
            if (known == null || !seen(frame, row)) continue
            val place = place(frame, row)
            val before = last[hand]
            val moved = if (before == null) 0.0 else hypot(place.x - before.x, place.y - before.y) / known.width
            resting[hand] = (known.height - place.y) / known.width >= options.low && moved < options.slow
            last[hand] = place
        }
        return resting.all { it }
    }

    private fun seen(frame: FloatArray, row: Int) = frame[(row + 1) * channels - 1] > 0

    private fun place(frame: FloatArray, row: Int): Place {
        val (x, y) = frame[row * channels].toDouble() to frame[row * channels + 1].toDouble()
        // Normalised images are square, unlike the images of the camera.
        return if (contract.bodyNormalised) Place(x, y) else Place(x * contract.imageWidth, y * contract.imageHeight)
    }

    private fun rowOf(names: List<String>) = names.map(contract::row).firstOrNull { it >= 0 } ?: -1
}

/** Result of [Endpointer]: the frames to recognise now, and whether the sentence ends after them. */
internal class Cut(val frames: List<FloatArray>, val ended: Boolean)

/** Splits the stream into sentences. */
internal class Endpointer(private val detector: RestDetector) {
    private val options = detector.options
    private val lead = ArrayDeque<FloatArray>()
    private val recent = ArrayDeque<Boolean>()
    private val window = maxOf(options.frames, 1)
    private var moving = 0
    private var length = 0

    /** Whether rest ends sentences; otherwise only their maximum length does. */
    val ends: Boolean get() = detector.able && options.frames > 0

    /** Whether a sentence has begun. */
    var signing = !ends
        private set

    /** Number of stored frames. */
    val kept: Int get() = lead.size

    /** Forget all frames. */
    fun reset() {
        detector.reset()
        begin()
        signing = !ends
    }

    fun take(frame: FloatArray): Cut {
        val resting = detector.rests(frame)
        val frames = if (signing) {
            remember(recent, resting, window)
            listOf(frame)
        } else {
            remember(lead, frame, options.lead + options.start)
            moving = if (resting) 0 else moving + 1
            if (moving < options.start) return Cut(emptyList(), false)
            lead.toList().also { begin() }
        }
        length += frames.size
        val ended = length >= options.longest || ends && rested()
        if (ended) {
            begin()
            signing = !ends
        }
        return Cut(frames, ended)
    }

    private fun rested(): Boolean =
        recent.size == window && recent.last() && recent.count { it } >= options.share * options.frames

    private fun begin() {
        signing = true
        moving = 0
        length = 0
        lead.clear()
        recent.clear()
    }

    private fun <T> remember(kept: ArrayDeque<T>, value: T, most: Int) {
        kept.addLast(value)
        if (kept.size > most) kept.removeFirst()
    }
}
