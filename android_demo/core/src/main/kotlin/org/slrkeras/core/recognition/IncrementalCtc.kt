package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField

/**
 * Decoding options of a run; `slr_keras/decoding/config.py` documents the fields.
 *
 * @property beam beam width of the prefix search; 0 decodes greedily
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
        /** Read `decoding` of `metadata.json`. */
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

    /** Number of stored steps. */
    val length: Int get() = steps.size

    /**
     * Take the log-probabilities of one step.
     *
     * @throws IllegalArgumentException if they are NaN, or all are -inf
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

    /** The sentence, equal to that of the offline decoder. */
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

/** Greedy decoding: the best class of every step; emitted glosses are never withdrawn. */
private class GreedySteps(private val blank: Int, private val merge: Boolean) : IncrementalCtc() {
    private val emitted = ArrayList<Int>()
    private var last = blank

    override val best: List<Int> get() = emitted.toList()

    override fun take(step: DoubleArray) {
        val label = argmax(step)
        if (label != blank && label != last && !(merge && emitted.lastOrNull() == label)) emitted.add(label)
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

    private fun merged(hypothesis: Hypothesis) =
        if (options.collapseRepeats) hypothesis.mergeRepeats() else hypothesis
}

/** Result of [StablePrefix]: the last [taken] emitted glosses are withdrawn, and [more] are emitted. */
internal class Said(val taken: Int, val more: List<Int>)

/**
 * Emits a gloss after it has been in the best sequence for some steps, and withdraws it when it leaves that sequence.
 *
 * @param steps number of steps; 0 emits at once
 */
internal class StablePrefix(private val steps: Int) {
    private val recent = ArrayDeque<List<Int>>()

    /** Glosses emitted and not withdrawn. */
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

    /** End the sentence: withdraw glosses that are not in it, emit those that are missing. */
    fun finish(sentence: List<Int>): Said {
        val kept = common(said, sentence)
        return say(kept, sentence.drop(kept))
    }

    private fun say(kept: Int, more: List<Int>): Said {
        val taken = said.size - kept
        said = said.take(kept) + more
        return Said(taken, more)
    }

    /** Length of the common prefix of two sequences. */
    private fun common(one: List<Int>, other: List<Int>): Int {
        val most = minOf(one.size, other.size)
        return (0 until most).firstOrNull { one[it] != other[it] } ?: most
    }
}
