package org.slrkeras.core.pipeline

import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.frames.Frame
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.HolisticTracker
import org.slrkeras.core.keypoints.KeypointOptions
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.Event
import org.slrkeras.core.recognition.StreamRecogniser
import org.slrkeras.core.session.Gloss
import org.slrkeras.core.session.Sentence
import org.slrkeras.core.timing.Stopwatch
import kotlin.math.roundToLong

/**
 * Result of one frame.
 *
 * @property landmarks body, hands and face of the person in the picture
 * @property current glosses of the unfinished sentence; the last of them may still change
 * @property finished sentences that ended with this frame
 * @property keypointMilliseconds time spent on keypoints
 * @property recognitionMilliseconds time spent on recognition
 */
class FrameResult(
    val landmarks: HolisticLandmarks,
    val current: List<Gloss>,
    val finished: List<Sentence>,
    val keypointMilliseconds: Double,
    val recognitionMilliseconds: Double,
) {
    /** Time spent on the frame. */
    val milliseconds: Double get() = keypointMilliseconds + recognitionMilliseconds
}

/**
 * From pictures to glosses: keypoint tracker, arrangement of the points, streaming recogniser.
 *
 * Frames may come at any rate; the recogniser resamples them by their times. Not safe for use from several threads at
 * once.
 *
 * @param tracker closed by [close]
 * @param recogniser closed by [close]
 * @param arrangement of the recogniser's bundle
 */
class RecognitionPipeline(
    private val tracker: HolisticTracker,
    private val recogniser: StreamRecogniser,
    private val arrangement: Arrangement,
) : AutoCloseable {
    /**
     * Process one frame, whose picture is not kept.
     *
     * A time before that of the last frame ends the sentence and begins another recording.
     *
     * @throws EngineException if a model fails
     */
    fun process(frame: Frame): FrameResult {
        val milliseconds = frame.milliseconds.roundToLong()
        val begin = System.nanoTime()
        val landmarks = tracker.track(frame.picture, milliseconds)
        val between = System.nanoTime()
        val events = recogniser.push(arrangement.arranged(landmarks), milliseconds)
        val end = System.nanoTime()
        return FrameResult(
            landmarks,
            recogniser.running.map { Gloss(it.gloss, it.confidence.toFloat()) },
            sentences(events),
            (between - begin) / NANOSECONDS,
            (end - between) / NANOSECONDS,
        )
    }

    /** End the recording: its unfinished sentence, if any, ends. The next frame begins another recording. */
    fun finish(): List<Sentence> {
        tracker.reset()
        return sentences(recogniser.finish())
    }

    /** Close the tracker and the recogniser. */
    override fun close() {
        tracker.close()
        recogniser.close()
    }

    companion object {
        private const val NANOSECONDS = 1e6

        /**
         * Load all models of a pipeline.
         *
         * @param bundle of the recogniser
         * @param layout text of `mediapipe_holistic_543.json`, which names the tracker's points
         * @param options of the tracker, except the face, which is tracked if the bundle's model reads its points
         * @param models returns the keypoint model of a file name, or null if the file is missing
         * @param stopwatch measures the stages
         * @throws EngineException if a model is missing or cannot be loaded
         * @throws org.slrkeras.core.recognition.BundleException if the bundle does not fit the tracker
         */
        fun open(
            bundle: Bundle,
            layout: String,
            models: (String) -> ByteArray?,
            engines: EngineFactory,
            options: KeypointOptions = KeypointOptions(),
            stopwatch: Stopwatch? = null,
        ): RecognitionPipeline {
            val arrangement = Arrangement(bundle.contract, layout)
            val tracked = options.withFace(options.face || arrangement.readsFace)
            val files = tracked.models.associateWith {
                models(it.fileName) ?: throw EngineException("${it.fileName}: the keypoint model is missing")
            }
            val tracker = HolisticTracker(engines, files, tracked, stopwatch)
            try {
                val recogniser = StreamRecogniser(bundle, engines, threads = options.threads, stopwatch = stopwatch)
                return RecognitionPipeline(tracker, recogniser, arrangement)
            } catch (problem: RuntimeException) {
                tracker.close()
                throw problem
            }
        }
    }
}

private fun sentences(events: List<Event>): List<Sentence> =
    events.filterIsInstance<Event.Sentence>().map { sentence ->
        Sentence(sentence.glosses.zip(sentence.confidences) { name, confidence -> Gloss(name, confidence.toFloat()) })
    }
