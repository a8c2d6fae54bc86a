package org.slrkeras.core.session

/** A gloss that was read, with the model's probability for it, 0 to 1. */
data class Gloss(val name: String, val confidence: Float)

/** What was signed between two rests. */
data class Sentence(val glosses: List<Gloss>) {
    override fun toString() = glosses.joinToString(" ") { it.name }
}

/**
 * What the user sees of the recognition: the sentence under way, those before it, and whether it is paused.
 *
 * It is a value: every change gives a new one, so that the camera's thread and the screen never disagree.
 *
 * @property current glosses of the sentence under way; some may still be taken back
 * @property history finished sentences, oldest first, at most [MAXIMUM_HISTORY]
 */
data class Session(
    val current: List<Gloss> = emptyList(),
    val history: List<Sentence> = emptyList(),
    val paused: Boolean = false,
) {
    /** The sentence under way reads [glosses] now. */
    fun reading(glosses: List<Gloss>): Session = if (paused) this else copy(current = glosses)

    /** A sentence has ended; one without glosses leaves no trace. */
    fun finished(sentence: Sentence): Session {
        if (paused) return this
        val longer = if (sentence.glosses.isEmpty()) history else history + sentence
        return copy(current = emptyList(), history = longer.takeLast(MAXIMUM_HISTORY))
    }

    /** Stop reading; what is under way counts as a sentence. */
    fun pause(): Session = if (paused) this else finished(Sentence(current)).copy(paused = true)

    /** Read on. */
    fun resume(): Session = copy(paused = false)

    /** Forget all sentences; pausing stays as it is. */
    fun clear(): Session = Session(paused = paused)

    /** All sentences, a line each, the one under way last: what is given to other apps. */
    val sharedText: String
        get() {
            val all = if (current.isEmpty()) history else history + Sentence(current)
            return all.joinToString("\n")
        }

    companion object {
        /** Sentences that are kept. */
        const val MAXIMUM_HISTORY = 500
    }
}
