package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField
import kotlin.math.hypot

/**
 * What counts as rest; `slr_keras/streaming/endpoint.py` explains the fields.
 *
 * @property wrists for each hand the names that its wrist may have
 * @property shoulders the same of the shoulders
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
        /** What `metadata.json` says under `streaming.recogniser`. */
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
 * Tells of every frame whether the hands rest: low and slow, in shoulder widths.
 *
 * A wrist that is not seen rests as it did when it was last seen; one that was never seen rests.
 */
internal class RestDetector(private val contract: Contract, val options: RestOptions) {
    private val channels = contract.channels.size
    private val wrists = options.wrists.map(::rowOf)
    private val shoulders = options.shoulders.map(::rowOf)

    /** Whether the contract has the wrists and shoulders that are needed. */
    val able = (wrists + shoulders).all { it >= 0 }

    private val last = arrayOfNulls<Place>(2)
    private val resting = BooleanArray(2) { true }
    private var unit: ShoulderLine? = null

    private class Place(val x: Double, val y: Double)

    /** Height of the shoulders, and how far they are apart. */
    private class ShoulderLine(val height: Double, val width: Double)

    /** Forget where the hands were. */
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
        // Normalised images are squares; the camera's are not.
        return if (contract.bodyNormalised) Place(x, y) else Place(x * contract.imageWidth, y * contract.imageHeight)
    }

    private fun rowOf(names: List<String>) = names.map(contract::row).firstOrNull { it >= 0 } ?: -1
}

/** What [Endpointer] says: the frames that are to be recognised now, and whether the sentence ends with them. */
internal class Cut(val frames: List<FloatArray>, val ended: Boolean)

/** Cuts the stream into sentences, frame by frame. */
internal class Endpointer(private val detector: RestDetector) {
    private val options = detector.options
    private val lead = ArrayDeque<FloatArray>()
    private val recent = ArrayDeque<Boolean>()
    private val window = maxOf(options.frames, 1)
    private var moving = 0
    private var length = 0

    /** Whether rest ends sentences at all; otherwise the stream is one, but for the longest that there may be. */
    val ends: Boolean get() = detector.able && options.frames > 0

    /** Whether a sentence has begun. */
    var signing = !ends
        private set

    /** Frames that are kept. */
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
