package org.slrkeras.core.recognition

import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.ln1p
import kotlin.math.max
import kotlin.math.min

/** Steps of the scores, or frames of a stream, from [start] to before [end]. */
data class Span(val start: Int, val end: Int)

/**
 * One decoded sequence of glosses; `slr_keras/decoding/hypothesis.py`.
 *
 * @property ids glosses, without blanks
 * @property spans steps in which the best alignment emits each gloss
 * @property confidences greatest posterior probability of each gloss within its span
 */
class Hypothesis(val ids: List<Int>, val spans: List<Span>, val confidences: List<Double>) {
    /** Merge equal neighbours: the span covers both, the greater confidence is kept. */
    fun mergeRepeats(): Hypothesis {
        val spans = ArrayList<Span>()
        val confidences = ArrayList<Double>()
        for ((place, id) in ids.withIndex()) {
            if (place > 0 && ids[place - 1] == id) {
                val last = spans.size - 1
                spans[last] = Span(spans[last].start, this.spans[place].end)
                confidences[last] = max(confidences[last], this.confidences[place])
            } else {
                spans.add(this.spans[place])
                confidences.add(this.confidences[place])
            }
        }
        return Hypothesis(collapseRepeats(ids), spans, confidences)
    }

    companion object {
        /** No glosses. */
        val NONE = Hypothesis(emptyList(), emptyList(), emptyList())
    }
}

/** Merge equal neighbours. */
internal fun collapseRepeats(ids: List<Int>): List<Int> =
    ids.filterIndexed { place, id -> place == 0 || ids[place - 1] != id }

/** Log-softmax; log-probabilities stay unchanged. */
internal fun logSoftmax(row: FloatArray): DoubleArray {
    var peak = Double.NEGATIVE_INFINITY
    for (value in row) peak = max(peak, value.toDouble())
    var sum = 0.0
    for (value in row) sum += exp(value - peak)
    val shift = peak + ln(sum)
    return DoubleArray(row.size) { row[it] - shift }
}

/** log(exp(one) + exp(other)). */
internal fun logAddExp(one: Double, other: Double): Double = when {
    one == other -> one + LN_2
    // Two equal infinities, whose difference is NaN, are handled above.
    else -> max(one, other) + ln1p(exp(-abs(one - other)))
}

private val LN_2 = ln(2.0)

/** Index of the greatest value, the first of equal ones. */
internal fun argmax(row: DoubleArray): Int {
    var best = 0
    for (place in row.indices) if (row[place] > row[best]) best = place
    return best
}

/** The greatest posterior of each gloss within its span, in [0, 1]. */
internal fun confidencesOf(steps: List<DoubleArray>, ids: List<Int>, spans: List<Span>): List<Double> =
    ids.zip(spans) { id, span ->
        var peak = Double.NEGATIVE_INFINITY
        for (step in span.start until span.end) peak = max(peak, steps[step][id])
        min(1.0, exp(peak))
    }
