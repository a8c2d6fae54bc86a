package org.slrkeras.core.session

/** A recognised gloss with the model's probability, 0 to 1. */
data class Gloss(val name: String, val confidence: Float)

/** The glosses between two rests. */
data class Sentence(val glosses: List<Gloss>) {
    override fun toString() = glosses.joinToString(" ") { it.name }
}

/**
 * State of the recognition as the user sees it: the unfinished sentence, the finished ones, and whether it is paused.
 *
 * Sessions are immutable values, which any thread may read.
 *
 * @property current glosses of the unfinished sentence; the last of them may still change
 * @property history finished sentences, oldest first, at most [MAXIMUM_HISTORY]
 */
data class Session(
    val current: List<Gloss> = emptyList(),
    val history: List<Sentence> = emptyList(),
    val paused: Boolean = false,
) {
    /** Replace the unfinished sentence. */
    fun reading(glosses: List<Gloss>): Session = if (paused) this else copy(current = glosses)

    /** Add a finished sentence; a sentence without glosses is not kept. */
    fun finished(sentence: Sentence): Session {
        if (paused) return this
        val longer = if (sentence.glosses.isEmpty()) history else history + sentence
        return copy(current = emptyList(), history = longer.takeLast(MAXIMUM_HISTORY))
    }

    /** Pause; the unfinished sentence becomes a finished one. */
    fun pause(): Session = if (paused) this else finished(Sentence(current)).copy(paused = true)

    /** End the pause. */
    fun resume(): Session = copy(paused = false)

    /** Remove all sentences; a pause continues. */
    fun clear(): Session = Session(paused = paused)

    /** All sentences as text for other apps, one line each, the unfinished one last. */
    val sharedText: String
        get() {
            val all = if (current.isEmpty()) history else history + Sentence(current)
            return all.joinToString("\n")
        }

    companion object {
        /** Maximum number of finished sentences. */
        const val MAXIMUM_HISTORY = 500
    }
}
