package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField

/**
 * How a run decodes; `slr_keras/decoding/config.py` explains the fields.
 *
 * @property beam prefixes that are kept at every step; 0 takes the best class of every step instead
 */
class DecodingOptions(
    val beam: Int,
    val collapseRepeats: Boolean = false,
    val languageModelOrder: Int = 0,
    val languageModelWeight: Double = 0.0,
    val insertionBonus: Double = 0.0,
    val candidatesPerStep: Int = 0,
) {
    companion object {
        /** What `metadata.json` says under `decoding`. */
        fun read(field: JsonField): DecodingOptions {
            val greedy = field["method"].choice("greedy", "beam") == "greedy"
            return DecodingOptions(
                beam = if (greedy) 0 else field["beam"].whole(1..MOST),
                collapseRepeats = field["collapse_repeats"].boolean(),
                languageModelOrder = field["language_model_order"].whole(0..MOST),
                languageModelWeight = field["language_model_weight"].number(0.0),
                insertionBonus = field["insertion_bonus"].number(),
                candidatesPerStep = field["candidates_per_step"].whole(),
            )
        }

        private const val MOST = 1000
    }
}

/** Decodes one sentence step by step; `slr_keras/streaming/ctc.py`. */
internal abstract class IncrementalCtc {
    /** All steps of the sentence, normalised. */
    protected val steps = ArrayList<DoubleArray>()

    /** The best sequence of the steps so far. */
    abstract val best: List<Int>

    /** How many steps are kept. */
    val length: Int get() = steps.size

    /**
     * Take in the log-probabilities of one step.
     *
     * @throws IllegalArgumentException if they are NaN, or nothing is possible
     */
    fun advance(row: FloatArray) {
        val step = logSoftmax(row)
        require(step.none { it.isNaN() }) { "the scores of a step are not numbers" }
        steps.add(step)
        take(step)
    }

    protected abstract fun take(step: DoubleArray)

    /** The best sequence so far, with spans and confidences. */
    abstract fun soFar(): Hypothesis

    /** The sentence, as the decoder of whole clips gives it. */
    abstract fun finish(): Hypothesis

    companion object {
        /** The decoder of one sentence. */
        fun of(classes: Int, blank: Int, options: DecodingOptions, languageModel: LanguageModel?): IncrementalCtc =
            if (options.beam == 0) {
                GreedySteps(blank, options.collapseRepeats)
            } else {
                BeamSteps(classes, blank, options, languageModel)
            }
    }
}

/** The best class of every step; what it has said it never takes back. */
private class GreedySteps(private val blank: Int, private val merge: Boolean) : IncrementalCtc() {
    private val found = ArrayList<Int>()
    private var last = blank

    override val best: List<Int> get() = found.toList()

    override fun take(step: DoubleArray) {
        val label = argmax(step)
        if (label != blank && label != last && !(merge && found.lastOrNull() == label)) found.add(label)
        last = label
    }

    override fun soFar(): Hypothesis = finish()

    override fun finish(): Hypothesis {
        val (ids, spans) = bestPath(steps, blank)
        val hypothesis = Hypothesis(ids, spans, confidencesOf(steps, ids, spans))
        return if (merge) hypothesis.mergeRepeats() else hypothesis
    }
}

/** Prefix beam search; at the end the sequences are ranked by their full CTC sums. */
private class BeamSteps(
    classes: Int,
    private val blank: Int,
    private val options: DecodingOptions,
    languageModel: LanguageModel?,
) : IncrementalCtc() {
    private val search = PrefixSearch(classes, blank, options, languageModel)

    override val best: List<Int>
        get() = if (options.collapseRepeats) collapseRepeats(search.best) else search.best

    override fun take(step: DoubleArray) = search.advance(step)

    override fun soFar(): Hypothesis = merged(aligned(steps, search.best, blank))

    override fun finish(): Hypothesis = if (steps.isEmpty()) Hypothesis.NONE else merged(search.ranked(steps))

    private fun merged(found: Hypothesis) = if (options.collapseRepeats) found.mergeRepeats() else found
}

/** What [StablePrefix] says: the last [taken] glosses said are taken back, and [more] are said now. */
internal class Said(val taken: Int, val more: List<Int>)

/**
 * Says a gloss when it has been in the best sequence for so many steps, and takes it back when it is there no more.
 *
 * @param steps 0 says it at once
 */
internal class StablePrefix(private val steps: Int) {
    private val recent = ArrayDeque<List<Int>>()

    /** The glosses said and not taken back. */
    var said: List<Int> = emptyList()
        private set

    fun advance(best: List<Int>): Said {
        recent.addLast(best)
        if (recent.size <= steps) return Said(0, emptyList())
        var stable = recent.first()
        for (other in recent) stable = stable.subList(0, common(stable, other))
        recent.removeFirst()
        val kept = common(said, best)
        return say(kept, stable.drop(kept))
    }

    /** The same at the end: what is not in the sentence goes, what is missing comes. */
    fun finish(sentence: List<Int>): Said {
        val kept = common(said, sentence)
        return say(kept, sentence.drop(kept))
    }

    private fun say(kept: Int, more: List<Int>): Said {
        val taken = said.size - kept
        said = said.take(kept) + more
        return Said(taken, more)
    }

    /** How many glosses two sequences begin with alike. */
    private fun common(one: List<Int>, other: List<Int>): Int {
        val most = minOf(one.size, other.size)
        return (0 until most).firstOrNull { one[it] != other[it] } ?: most
    }
}
