package org.slrkeras.core.recognition

import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import org.slrkeras.core.timing.timed

/**
 * Recognises one endless stream of landmarks; `slr_keras/streaming/recogniser.py`.
 *
 * Not safe for use from several threads at once.
 *
 * @param engineFactory loads the model
 * @param options how the stream is recognised
 * @param precision of the model
 * @param threads at most so many threads compute
 * @param stopwatch told what the stages take
 * @throws BundleException if the model is not the bundle's
 * @throws org.slrkeras.core.engine.EngineException if it does not load
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

    /** Frames that have come, at the contract's rate. */
    var frame = 0
        private set

    init {
        begin()
    }

    /** Whether rest ends sentences. */
    val endsSentences: Boolean get() = endpointer.ends

    /** The glosses of the sentence that goes on: those said, then those that are tentative. */
    val running: List<RunningGloss>
        get() {
            val found = decoder.soFar()
            return found.ids.mapIndexed { place, id ->
                RunningGloss(bundle.labels[id], found.confidences[place], place < stable.said.size)
            }
        }

    /** Numbers that are kept of the stream; bounded, however long it is. */
    internal val kept: Int
        get() = (filler.length + normaliser.length + endpointer.kept + pending.size) * contract.size +
            decoder.length * bundle.labels.size

    /**
     * One frame of raw landmarks at the contract's rate, whatever is in it.
     *
     * @param landmarks source points × source channels of the contract
     * @throws IllegalArgumentException if there are more or fewer
     * @throws org.slrkeras.core.engine.EngineException if the model fails; the sentence is lost then
     */
    fun push(landmarks: FloatArray): List<Event> {
        val selected = contract.select(landmarks)
        return telling { take(selected) }
    }

    /**
     * One frame of raw landmarks from a camera, which are brought to the contract's rate by their times.
     *
     * A clock that goes backwards, or stands still for longer than any picture lasts, ends the stream; the frame is
     * the first of another.
     *
     * @param landmarks as of the other `push`
     * @param milliseconds when the picture was taken, by any clock
     */
    fun push(landmarks: FloatArray, milliseconds: Long): List<Event> {
        val selected = contract.select(landmarks)
        return telling {
            if (!rate.continues(milliseconds)) end()
            rate.push(selected, milliseconds, ::take)
        }
    }

    /** The stream has ended: what is left of it. Another one may follow. */
    fun finish(): List<Event> = telling { end() }

    /** Forget the stream, and count frames from 0 again. */
    fun reset() {
        frame = 0
        prepared = 0
        forget()
    }

    override fun close() = engine.close()

    private fun telling(action: () -> Unit): List<Event> {
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

    /** A new sentence. */
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

    /** One frame whose gaps are filled. */
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

    /** The model sees the frames that wait. */
    private fun call() {
        val row = step(pending)
        pending.clear()
        calls++
        if (calls > about.delay) takeRow(row)
    }

    /** One step of scores. */
    private fun takeRow(row: FloatArray) {
        val said = stopwatch.timed(Stage.DECODING) {
            decoder.advance(row)
            stable.advance(decoder.best)
        }
        tell(said)
    }

    private fun step(frames: List<FloatArray>?) = stopwatch.timed(Stage.RECOGNITION_MODEL) { state.step(frames) }

    /** The sentence has ended: the rows on their way, and the whole. */
    private fun endSentence() {
        if (calls == 0) {
            // A sentence of less than a call is lengthened by its last frame, as offline.
            while (pending.size < about.frames) pending.add(pending.last())
            call()
        }
        repeat(about.delay) {
            val row = step(null)
            calls++
            if (calls > about.delay) takeRow(row)
        }
        val found = stopwatch.timed(Stage.DECODING) { decoder.finish() }
        tell(stable.finish(found.ids))
        val spans = found.spans.map {
            Span(firstFrame + it.start * about.frames, firstFrame + it.end * about.frames)
        }
        events.add(Event.Sentence(frame, found.ids.map(bundle.labels::get), spans, found.confidences))
        begin()
    }

    private fun tell(said: Said) {
        if (said.taken > 0) events.add(Event.Revise(frame, said.taken))
        for (id in said.more) events.add(Event.Gloss(frame, bundle.labels[id]))
    }
}
