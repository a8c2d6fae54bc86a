package org.slrkeras.desktop

import org.slrkeras.core.pipeline.PictureRead
import org.slrkeras.core.pipeline.SignReader
import org.slrkeras.core.recognition.Event
import kotlin.math.roundToLong

/** Time that reading took, and how much video there was, in milliseconds. */
class Timing(private val stages: Stages) {
    private var pictures = 0
    private var keypoints = 0.0
    private var recognition = 0.0
    private var last = 0.0

    /** Milliseconds that the pictures last: the last one as long as the others. */
    private val video: Double get() = if (pictures > 1) last * pictures / (pictures - 1) else 0.0

    /** A picture has been read, for which the reader [waited]. */
    fun read(frame: Frame, waited: Double, picture: PictureRead) {
        pictures++
        keypoints += picture.keypointMilliseconds
        recognition += picture.recognitionMilliseconds
        last = maxOf(last, frame.milliseconds)
        stages.read(frame.decoded, waited, picture)
    }

    /** The stages, and the real-time factor: below 1, reading keeps up with the signing. */
    fun told(): String {
        val each = maxOf(pictures, 1)
        val factor = (keypoints + recognition) / maxOf(video, 1.0)
        val sum = "%d pictures: keypoints %.1f ms, recognition %.1f ms each; real-time factor %.2f"
            .format(pictures, keypoints / each, recognition / each, factor)
        return "${stages.table(video)}\n$sum"
    }
}

/** Print each sentence of a video as a line, once it has ended. */
fun printGlosses(frames: Iterator<Frame>, reader: SignReader, stages: Stages): Timing {
    val timing = Timing(stages)
    fun told(events: List<Event>) =
        events.filterIsInstance<Event.Sentence>().forEach { println(it.glosses.joinToString(" ")) }
    // The first picture waits for the decoder to start, which is none of reading.
    frames.hasNext()
    var begin = System.nanoTime()
    for (frame in frames) {
        val waited = (System.nanoTime() - begin) / 1e6
        timing.read(frame, waited, reader.read(frame.image, frame.milliseconds.roundToLong()).also { told(it.events) })
        begin = System.nanoTime()
    }
    told(reader.finish())
    return timing
}
