package org.slrkeras.core.recognition

private const val NOTHING = Double.NEGATIVE_INFINITY

/**
 * The CTC trellis of one sequence of labels: blank, label, blank, ..., label, blank.
 *
 * A path stays, moves to the next state, or skips a blank between two different labels; `slr_keras/decoding/ctc.py`.
 */
internal class CtcTrellis(private val labels: List<Int>, private val blank: Int) {
    private val states = IntArray(2 * labels.size + 1) { if (it % 2 == 1) labels[it / 2] else blank }
    private val skips = BooleanArray(states.size) {
        it % 2 == 1 && it >= 2 && states[it] != states[it - 2]
    }

    /** Exact log-probability of the labels, over all alignments; -inf if there are too few steps. */
    fun logLikelihood(steps: List<DoubleArray>): Double {
        if (steps.isEmpty()) return if (labels.isEmpty()) 0.0 else NOTHING
        var alpha = start(steps[0])
        for (step in 1 until steps.size) {
            val before = alpha
            alpha = DoubleArray(states.size) { state ->
                var sum = before[state]
                if (state >= 1) sum = logAddExp(sum, before[state - 1])
                if (skips[state]) sum = logAddExp(sum, before[state - 2])
                sum + steps[step][states[state]]
            }
        }
        val last = states.size - 1
        return if (last > 0) logAddExp(alpha[last], alpha[last - 1]) else alpha[last]
    }

    /** Steps in which the best path emits each label; there must be enough steps. */
    fun bestSpans(steps: List<DoubleArray>): List<Span> {
        if (steps.isEmpty()) return emptyList()
        val moves = Array(steps.size) { ByteArray(states.size) }
        var best = start(steps[0])
        for (step in 1 until steps.size) {
            val before = best
            best = DoubleArray(states.size) { state ->
                val from = bestMove(before, state)
                moves[step][state] = from.toByte()
                before[state - from] + steps[step][states[state]]
            }
        }
        return spans(walkBack(best, moves))
    }

    private fun start(step: DoubleArray) =
        DoubleArray(states.size) { if (it < 2) step[states[it]] else NOTHING }

    /** Number of states that the best path into a state moves; staying is preferred. */
    private fun bestMove(before: DoubleArray, state: Int): Int {
        var from = 0
        if (state >= 1 && before[state - 1] > before[state]) from = 1
        if (skips[state] && before[state - 2] > before[state - from]) from = 2
        return from
    }

    private fun walkBack(best: DoubleArray, moves: Array<ByteArray>): IntArray {
        var state = states.size - 1
        if (state > 0 && best[state - 1] > best[state]) state--
        val visited = IntArray(moves.size)
        for (step in moves.indices.reversed()) {
            visited[step] = state
            state -= moves[step][state]
        }
        return visited
    }

    private fun spans(visited: IntArray): List<Span> = labels.indices.map { label ->
        val state = 2 * label + 1
        Span(visited.count { it < state }, visited.count { it <= state })
    }
}

/** The best class of every step, equal neighbours merged, blanks dropped: the greedy sequence and its runs. */
internal fun bestPath(steps: List<DoubleArray>, blank: Int): Pair<List<Int>, List<Span>> {
    val ids = ArrayList<Int>()
    val spans = ArrayList<Span>()
    var last = blank
    for ((step, row) in steps.withIndex()) {
        val label = argmax(row)
        if (label != blank) {
            if (label == last) {
                spans[spans.size - 1] = Span(spans.last().start, step + 1)
            } else {
                ids.add(label)
                spans.add(Span(step, step + 1))
            }
        }
        last = label
    }
    return ids to spans
}
