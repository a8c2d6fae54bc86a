package org.slrkeras.core.pipeline

import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.HolisticTracker
import org.slrkeras.core.keypoints.Image
import org.slrkeras.core.recognition.Event
import org.slrkeras.core.recognition.StreamRecogniser

/**
 * What a picture gave.
 *
 * @property landmarks what was seen of the person
 * @property events what was recognised up to now; see [StreamRecogniser]
 * @property keypointMilliseconds time that finding the landmarks took
 * @property recognitionMilliseconds time that recognising took
 */
class PictureRead(
    val landmarks: HolisticLandmarks,
    val events: List<Event>,
    val keypointMilliseconds: Double,
    val recognitionMilliseconds: Double,
)

/**
 * Reads glosses off a signer: pictures in, events out.
 *
 * Pictures may come at any rate; the recogniser's own is made from their times. Not safe for use from several threads
 * at
 * once.
 *
 * @param tracker belongs to the reader from here on, as does the recogniser: closing closes both
 * @param arrangement of the recogniser's bundle
 */
class SignReader(
    private val tracker: HolisticTracker,
    private val recogniser: StreamRecogniser,
    private val arrangement: Arrangement,
) : AutoCloseable {
    /**
     * Read one picture.
     *
     * @param milliseconds when it was taken; a clock that goes back ends the sentence and begins another recording
     * @throws org.slrkeras.core.engine.EngineException if a model fails
     */
    fun read(image: Image, milliseconds: Long): PictureRead {
        val begin = System.nanoTime()
        val landmarks = tracker.track(image, milliseconds)
        val between = System.nanoTime()
        val events = recogniser.push(arrangement.arranged(landmarks), milliseconds)
        val end = System.nanoTime()
        return PictureRead(landmarks, events, (between - begin) / NANOSECONDS, (end - between) / NANOSECONDS)
    }

    /** The recording has ended: what is left of it. The next picture begins another. */
    fun finish(): List<Event> {
        tracker.reset()
        return recogniser.finish()
    }

    override fun close() {
        tracker.close()
        recogniser.close()
    }

    private companion object {
        const val NANOSECONDS = 1e6
    }
}
