package org.slrkeras.twin

import org.slrkeras.core.pipeline.SignReader
import org.slrkeras.core.recognition.Event
import kotlin.math.roundToLong

/** Time that the stages took, and how much video there was, in milliseconds. */
class Timing {
    var pictures = 0
    var keypoints = 0.0
    var recognition = 0.0
    var video = 0.0

    /** A table, and the real-time factor: below 1, reading keeps up with the signing. */
    fun told(): String {
        val each = maxOf(pictures, 1)
        val factor = (keypoints + recognition) / maxOf(video, 1.0)
        return "%d pictures: keypoints %.1f ms, recognition %.1f ms each; real-time factor %.2f"
            .format(pictures, keypoints / each, recognition / each, factor)
    }
}

/** Print each sentence of a video as a line, once it has ended. */
fun printGlosses(frames: Iterator<Frame>, reader: SignReader): Timing {
    val timing = Timing()
    fun told(events: List<Event>) =
        events.filterIsInstance<Event.Sentence>().forEach { println(it.glosses.joinToString(" ")) }
    var last = 0.0
    for (frame in frames) {
        val read = reader.read(frame.image, frame.milliseconds.roundToLong())
        timing.pictures++
        timing.keypoints += read.keypointMilliseconds
        timing.recognition += read.recognitionMilliseconds
        timing.video += maxOf(0.0, frame.milliseconds - last)
        last = frame.milliseconds
        told(read.events)
    }
    told(reader.finish())
    return timing
}
