package org.slrkeras.core.recognition

/** An output of the recogniser; `slr_keras/streaming/recogniser.py`. */
sealed class Event {
    /** Number of frames before the event. */
    abstract val frame: Int

    /** The sentence has one more gloss. */
    class Gloss(override val frame: Int, val gloss: String) : Event()

    /** The last [count] glosses are withdrawn. */
    class Revise(override val frame: Int, val count: Int) : Event()

    /**
     * The sentence has ended.
     *
     * @property spans first frame of each gloss and the frame after its last, counted from the begin of the stream
     * @property confidences confidence of each gloss, 0 to 1
     */
    class Sentence(
        override val frame: Int,
        val glosses: List<String>,
        val spans: List<Span>,
        val confidences: List<Double>,
    ) : Event()
}

/**
 * A gloss of the unfinished sentence.
 *
 * @property confidence confidence, 0 to 1
 * @property said false if the gloss is still tentative
 */
class RunningGloss(val gloss: String, val confidence: Double, val said: Boolean)
