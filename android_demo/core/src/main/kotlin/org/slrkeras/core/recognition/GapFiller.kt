package org.slrkeras.core.recognition

/** One frame whose gaps are not filled yet: zeros where [lost]. */
private class Waiting(val points: FloatArray, val lost: BooleanArray)

/**
 * Fills the gaps of landmarks frame by frame, at most [lookAhead] frames late; `slr_keras/streaming/landmarks.py`.
 *
 * A frame is given as soon as nothing in it waits any more.
 */
internal class GapFiller(private val contract: Contract, private val lookAhead: Int) {
    private val channels = contract.channels.size
    private val waiting = ArrayDeque<Waiting>()
    private val latest = FloatArray(contract.size)

    // Frames since each point was last seen; -1 before it was.
    private val since = IntArray(contract.points.size)

    init {
        reset()
    }

    /** Frames that wait. */
    val length: Int get() = waiting.size

    /** Forget all frames. */
    fun reset() {
        waiting.clear()
        latest.fill(0f)
        since.fill(-1)
    }

    /** One frame of selected points; the frames that are ready. */
    fun push(selected: FloatArray): List<FloatArray> {
        val lost = BooleanArray(since.size) { contract.missing(selected, it) }
        waiting.addLast(Waiting(FloatArray(selected.size) { if (lost[it / channels]) 0f else selected[it] }, lost))
        val ready = ArrayList<FloatArray>()
        while (waiting.isNotEmpty() && (waiting.size > lookAhead || decided())) ready.add(first())
        return ready
    }

    /** The frames that still wait; no more come. */
    fun finish(): List<FloatArray> = List(waiting.size) { first() }

    /** Whether what comes could change nothing in the first frame that waits. */
    private fun decided(): Boolean = since.indices.none { point ->
        // Beyond the longest gap they are zeros for good.
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
                // Gaps of hours do not overflow.
                if (since[point] >= 0) since[point] = minOf(since[point] + 1, contract.maxGap + 1)
                fill(filled, point)
            }
        }
        return filled
    }

    /** A missing point of the frame that leaves; zeros where nothing is known. */
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
