package org.slrkeras.core.recognition

/** Something that the recogniser has to say; `slr_keras/streaming/recogniser.py`. */
sealed class Event {
    /** Frames that had come when it was said. */
    abstract val frame: Int

    /** One more gloss of the sentence. */
    class Gloss(override val frame: Int, val gloss: String) : Event()

    /** The last [count] glosses are taken back. */
    class Revise(override val frame: Int, val count: Int) : Event()

    /**
     * The sentence has ended, and this is all of it.
     *
     * @property spans first frame of each gloss and the frame after its last, counted from the stream's first
     * @property confidences of each gloss, in [0, 1]
     */
    class Sentence(
        override val frame: Int,
        val glosses: List<String>,
        val spans: List<Span>,
        val confidences: List<Double>,
    ) : Event()
}

/**
 * A gloss of the sentence that goes on.
 *
 * @property confidence in [0, 1]
 * @property said false where it is tentative still
 */
class RunningGloss(val gloss: String, val confidence: Double, val said: Boolean)
