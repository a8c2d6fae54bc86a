package org.slrkeras.core.recognition

/**
 * Incremental CTC prefix beam search; `slr_keras/decoding/prefix_beam.py`.
 *
 * Each prefix has two masses: of paths that end in blank, and of paths that end in its last gloss.
 *
 * @param classes number of classes, including the blank
 * @param languageModel null for decoding without one
 */
internal class PrefixSearch(
    private val classes: Int,
    private val blank: Int,
    private val options: DecodingOptions,
    languageModel: LanguageModel?,
) {
    private val fusion = languageModel?.takeIf { options.languageModelOrder > 0 && options.languageModelWeight != 0.0 }
    private val glossCount = classes - 1
    private val tried: Int
    private var beams = listOf(Beam(emptyList(), 0.0, NOTHING, 0.0))

    init {
        var most = minOf(glossCount, if (options.candidatesPerStep > 0) options.candidatesPerStep else classes)
        // All extensions of a prefix share its mass, so that only the best of these glosses can survive.
        if (fusion == null) most = minOf(most, options.beam + 1)
        tried = most
    }

    /** A prefix, its masses, and the score of language model and bonus. */
    private class Beam(val prefix: List<Int>, val inBlank: Double, val inGloss: Double, val added: Double) {
        val total = logAddExp(inBlank, inGloss)
    }

    /** The best prefix. */
    val best: List<Int> get() = beams[0].prefix

    /** Take one step of normalised log-probabilities. */
    fun advance(step: DoubleArray) {
        val glosses = best(glossCount, tried) { step[glossAt(it)] }.map(::glossAt).toIntArray()
        val stayBlank = DoubleArray(beams.size) { beams[it].total + step[blank] }
        val stayGloss = DoubleArray(beams.size) { beams[it].inGloss + step[lastOf(it)] }
        val extend = Array(beams.size) { row -> extensions(row, glosses, step) }
        mergeKnown(glosses, step, stayGloss, extend)
        val added = Array(beams.size) { row -> additions(row, glosses) }
        val stays = beams.size
        val kept = best(stays * (1 + glosses.size), options.beam) { place ->
            if (place < stays) {
                logAddExp(stayBlank[place], stayGloss[place]) + beams[place].added
            } else {
                val (row, column) = (place - stays) / glosses.size to (place - stays) % glosses.size
                extend[row][column] + added[row][column]
            }
        }
        beams = kept.map { place ->
            if (place < stays) {
                Beam(beams[place].prefix, stayBlank[place], stayGloss[place], beams[place].added)
            } else {
                val (row, column) = (place - stays) / glosses.size to (place - stays) % glosses.size
                Beam(beams[row].prefix + glosses[column], NOTHING, extend[row][column], added[row][column])
            }
        }
    }

    /** The best sequence by its full CTC sum; [steps] are all steps so far. */
    fun ranked(steps: List<DoubleArray>): Hypothesis {
        val sequences = (beams.map { it.prefix } + listOf(bestPath(steps, blank).first)).distinct()
        var best = sequences[0]
        var most = NOTHING
        for (ids in sequences) {
            val score = CtcTrellis(ids, blank).logLikelihood(steps) + addition(ids)
            if (score > most) {
                most = score
                best = ids
            }
        }
        return aligned(steps, best, blank)
    }

    /** Score of language model and bonus of a complete sequence. */
    private fun addition(ids: List<Int>): Double {
        val bonus = options.insertionBonus * ids.size
        return bonus + (fusion?.let { options.languageModelWeight * it.sentenceLogProbability(ids) } ?: 0.0)
    }

    private fun glossAt(place: Int) = if (place < blank) place else place + 1

    private fun lastOf(row: Int) = beams[row].prefix.lastOrNull() ?: blank

    private fun extensions(row: Int, glosses: IntArray, step: DoubleArray) = DoubleArray(glosses.size) {
        val beam = beams[row]
        // A repeated gloss needs a blank in between.
        (if (glosses[it] == lastOf(row)) beam.inBlank else beam.total) + step[glosses[it]]
    }

    private fun additions(row: Int, glosses: IntArray): DoubleArray {
        val beam = beams[row]
        val likely = fusion?.logProbabilities(beam.prefix)
        return DoubleArray(glosses.size) {
            val fused = if (likely == null) 0.0 else options.languageModelWeight * likely[glosses[it]]
            beam.added + fused + options.insertionBonus
        }
    }

    /** Move the mass of an extension that is in the beam itself. */
    private fun mergeKnown(
        glosses: IntArray,
        step: DoubleArray,
        stayGloss: DoubleArray,
        extend: Array<DoubleArray>,
    ) {
        val places = HashMap<List<Int>, Int>()
        beams.forEachIndexed { row, beam -> places[beam.prefix] = row }
        for ((child, beam) in beams.withIndex()) {
            if (beam.prefix.isEmpty()) continue
            val parent = places[beam.prefix.subList(0, beam.prefix.size - 1)] ?: continue
            val gloss = beam.prefix.last()
            val mass = if (lastOf(parent) == gloss) beams[parent].inBlank else beams[parent].total
            stayGloss[child] = logAddExp(stayGloss[child], mass + step[gloss])
            val column = glosses.indexOf(gloss)
            if (column >= 0) extend[parent][column] = NOTHING
        }
    }

    private companion object {
        const val NOTHING = Double.NEGATIVE_INFINITY

        /** Indices of the greatest finite values in descending order; the first index first among equal values. */
        fun best(count: Int, most: Int, value: (Int) -> Double): List<Int> {
            val places = IntArray(minOf(most, count))
            val values = DoubleArray(places.size)
            var filled = 0
            for (place in 0 until count) {
                val one = value(place)
                if (!(one > NOTHING) || filled == places.size && !(one > values[filled - 1])) continue
                if (filled < places.size) filled++
                var at = filled - 1
                while (at > 0 && values[at - 1] < one) {
                    places[at] = places[at - 1]
                    values[at] = values[at - 1]
                    at--
                }
                places[at] = place
                values[at] = one
            }
            return places.take(filled)
        }
    }
}

/** A sequence with its best alignment; there must be enough steps. */
internal fun aligned(steps: List<DoubleArray>, ids: List<Int>, blank: Int): Hypothesis {
    val spans = CtcTrellis(ids, blank).bestSpans(steps)
    return Hypothesis(ids, spans, confidencesOf(steps, ids, spans))
}
