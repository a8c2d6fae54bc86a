package org.slrkeras.core.recognition

/** A frame whose gaps are not filled yet: zeros at points that are [lost]. */
private class Waiting(val points: FloatArray, val lost: BooleanArray)

/**
 * Fills the gaps of landmarks, at most [lookAhead] frames late; `slr_keras/streaming/landmarks.py`.
 *
 * A frame is returned as soon as later frames cannot change it.
 */
internal class GapFiller(private val contract: Contract, private val lookAhead: Int) {
    private val channels = contract.channels.size
    private val waiting = ArrayDeque<Waiting>()
    private val latest = FloatArray(contract.size)

    // Number of frames since each point was last seen; -1 before its first appearance.
    private val since = IntArray(contract.points.size)

    init {
        reset()
    }

    /** Number of waiting frames. */
    val length: Int get() = waiting.size

    /** Forget all frames. */
    fun reset() {
        waiting.clear()
        latest.fill(0f)
        since.fill(-1)
    }

    /** Take one frame of selected points; returns the frames that are ready. */
    fun push(selected: FloatArray): List<FloatArray> {
        val lost = BooleanArray(since.size) { contract.missing(selected, it) }
        waiting.addLast(Waiting(FloatArray(selected.size) { if (lost[it / channels]) 0f else selected[it] }, lost))
        val ready = ArrayList<FloatArray>()
        while (waiting.isNotEmpty() && (waiting.size > lookAhead || decided())) ready.add(first())
        return ready
    }

    /** End the stream; returns the waiting frames. */
    fun finish(): List<FloatArray> = List(waiting.size) { first() }

    /** Whether later frames cannot change the first waiting frame. */
    private fun decided(): Boolean = since.indices.none { point ->
        // Points of longer gaps stay zero.
        since[point] < contract.maxGap && waiting.all { it.lost[point] }
    }

    private fun first(): FloatArray {
        val frame = waiting.removeFirst()
        val filled = frame.points.copyOf()
        for (point in since.indices) {
            if (!frame.lost[point]) {
                since[point] = 0
                filled.copyInto(latest, point * channels, point * channels, (point + 1) * channels)
            } else {
                // The limit prevents an overflow in gaps of hours.
                if (since[point] >= 0) since[point] = minOf(since[point] + 1, contract.maxGap + 1)
                fill(filled, point)
            }
        }
        return filled
    }

    /** Fill a missing point of the first frame; zeros if no frame has the point. */
    private fun fill(filled: FloatArray, point: Int) {
        val until = 1 + waiting.indexOfFirst { !it.lost[point] }
        val seen = if (until > 0) waiting[until - 1].points else null
        val passed = since[point]
        val first = point * channels
        val longest = contract.maxGap
        if (passed < 0) {
            if (seen != null && until <= longest) seen.copyInto(filled, first, first, first + channels)
        } else if (passed <= longest && (seen == null || passed + until - 1 <= longest)) {
            val weight = if (seen == null) 0f else (passed.toDouble() / (passed + until)).toFloat()
            for (place in first until first + channels) {
                filled[place] = if (seen == null) latest[place] else (1 - weight) * latest[place] + weight * seen[place]
            }
        }
        if ((first until first + channels).any { filled[it] != 0f }) {
            filled[first + channels - 1] = contract.interpolatedScore
        }
    }
}
