package org.slrkeras.core.recognition

import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import org.slrkeras.core.timing.timed

/**
 * Recognises a continuous stream of landmarks; `slr_keras/streaming/recogniser.py`.
 *
 * Not safe for use from several threads at once.
 *
 * @param engineFactory loads the model
 * @param options options of the recognition
 * @param precision precision of the model
 * @param threads maximum number of threads
 * @param stopwatch measures the stages
 * @throws BundleException if the model does not belong to the bundle
 * @throws org.slrkeras.core.engine.EngineException if the model cannot be loaded
 */
class StreamRecogniser(
    private val bundle: Bundle,
    engineFactory: EngineFactory,
    private val options: StreamOptions = bundle.stream.options,
    precision: String = bundle.precisions.first(),
    threads: Int = 1,
    private val stopwatch: Stopwatch? = null,
) : AutoCloseable {
    private val contract = bundle.contract
    private val about = bundle.stream
    private val engine = bundle.modelFile(precision).let {
        engineFactory.load(it.name, it.bytes, about.signature, threads)
    }
    private val state = StreamState(engine, about)
    private val rate = SteadyRate(contract.fps, about.longestStill)
    private val filler = GapFiller(contract, options.lookAhead)
    private val normaliser = Normaliser(contract, about.referenceFrames)
    private val endpointer = Endpointer(RestDetector(contract, options.rest))
    private val events = ArrayList<Event>()
    private val pending = ArrayList<FloatArray>()
    private lateinit var decoder: IncrementalCtc
    private lateinit var stable: StablePrefix
    private var prepared = 0
    private var firstFrame = 0
    private var calls = 0

    /** Number of frames so far, at the contract's rate. */
    var frame = 0
        private set

    init {
        begin()
    }

    /** Whether rest ends sentences. */
    val endsSentences: Boolean get() = endpointer.ends

    /** Glosses of the unfinished sentence: first those already emitted, then the tentative ones. */
    val running: List<RunningGloss>
        get() {
            val hypothesis = decoder.soFar()
            return hypothesis.ids.mapIndexed { place, id ->
                RunningGloss(bundle.labels[id], hypothesis.confidences[place], place < stable.said.size)
            }
        }

    /** Number of stored values; bounded for a stream of any length. */
    internal val kept: Int
        get() = (filler.length + normaliser.length + endpointer.kept + pending.size) * contract.size +
            decoder.length * bundle.labels.size

    /**
     * Take one frame of raw landmarks at the contract's rate; any values are allowed.
     *
     * @param landmarks source points × source channels of the contract
     * @throws IllegalArgumentException if the size is another
     * @throws org.slrkeras.core.engine.EngineException if the model fails; the sentence is lost then
     */
    fun push(landmarks: FloatArray): List<Event> {
        val selected = contract.select(landmarks)
        return collecting { take(selected) }
    }

    /**
     * Take one frame of raw landmarks at any time; frames are resampled to the contract's rate.
     *
     * A clock that goes backwards, or a gap that is longer than any picture lasts, ends the stream; the frame is the
     * first of another one.
     *
     * @param landmarks source points × source channels of the contract
     * @param milliseconds time of the picture, by any clock
     */
    fun push(landmarks: FloatArray, milliseconds: Long): List<Event> {
        val selected = contract.select(landmarks)
        return collecting {
            if (!rate.continues(milliseconds)) end()
            rate.push(selected, milliseconds, ::take)
        }
    }

    /** End the stream and return its remaining events. Another stream may follow. */
    fun finish(): List<Event> = collecting { end() }

    /** Forget the stream, and count frames from 0 again. */
    fun reset() {
        frame = 0
        prepared = 0
        forget()
    }

    override fun close() = engine.close()

    private fun collecting(action: () -> Unit): List<Event> {
        events.clear()
        var done = false
        try {
            action()
            done = true
        } finally {
            // After a failure within a sentence nothing of it can be trusted.
            if (!done) begin()
        }
        return events.toList()
    }

    private fun end() {
        rate.finish(contract.fps, ::take)
        filler.finish().forEach(::takeFilled)
        if (calls > 0 || pending.isNotEmpty()) endSentence()
        forget()
    }

    private fun forget() {
        rate.reset()
        filler.reset()
        normaliser.reset()
        endpointer.reset()
        begin()
    }

    /** Begin a sentence. */
    private fun begin() {
        state.reset()
        decoder = IncrementalCtc.of(bundle.labels.size, about.blank, bundle.decoding, bundle.languageModel)
        stable = StablePrefix((options.stable + about.frames - 1) / about.frames)
        pending.clear()
        calls = 0
    }

    private fun take(selected: FloatArray) {
        frame++
        filler.push(selected).forEach(::takeFilled)
    }

    /** Take one frame whose gaps are filled. */
    private fun takeFilled(filled: FloatArray) {
        prepared++
        val far = about.farthest
        val seen = normaliser.normalise(filled)
        for (place in seen.indices) seen[place] = seen[place].coerceIn(-far, far)
        val cut = endpointer.take(seen)
        if (cut.frames.isNotEmpty() && calls == 0 && pending.isEmpty()) firstFrame = prepared - cut.frames.size
        for (one in cut.frames) {
            pending.add(one)
            if (pending.size == about.frames) call()
        }
        if (cut.ended) endSentence()
    }

    /** Run the model on the pending frames. */
    private fun call() {
        val row = step(pending)
        pending.clear()
        calls++
        if (calls > about.delay) takeRow(row)
    }

    /** Take one row of scores. */
    private fun takeRow(row: FloatArray) {
        val said = stopwatch.timed(Stage.DECODING) {
            decoder.advance(row)
            stable.advance(decoder.best)
        }
        emit(said)
    }

    private fun step(frames: List<FloatArray>?) = stopwatch.timed(Stage.RECOGNITION_MODEL) { state.step(frames) }

    /** End the sentence: take the delayed rows, and emit the whole sentence. */
    private fun endSentence() {
        if (calls == 0) {
            // A sentence shorter than one call is padded with its last frame, as offline.
            while (pending.size < about.frames) pending.add(pending.last())
            call()
        }
        repeat(about.delay) {
            val row = step(null)
            calls++
            if (calls > about.delay) takeRow(row)
        }
        val hypothesis = stopwatch.timed(Stage.DECODING) { decoder.finish() }
        emit(stable.finish(hypothesis.ids))
        val spans = hypothesis.spans.map {
            Span(firstFrame + it.start * about.frames, firstFrame + it.end * about.frames)
        }
        events.add(Event.Sentence(frame, hypothesis.ids.map(bundle.labels::get), spans, hypothesis.confidences))
        begin()
    }

    private fun emit(said: Said) {
        if (said.taken > 0) events.add(Event.Revise(frame, said.taken))
        for (id in said.more) events.add(Event.Gloss(frame, bundle.labels[id]))
    }
}
