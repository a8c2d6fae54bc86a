package org.slrkeras.twin

import org.slrkeras.core.pipeline.PictureRead
import org.slrkeras.core.pipeline.SignReader
import org.slrkeras.core.recognition.Event
import kotlin.math.ceil
import kotlin.math.roundToInt
import kotlin.math.roundToLong

/** Milliseconds that each stage of reading took, picture by picture. */
class Stages {
    private val models = LinkedHashMap<String, Double>()
    private var keypointPipe = 0.0
    private var streamPipe = 0.0
    private val pictures = ArrayList<Map<String, Double>>()

    /** A model ran: [computing] milliseconds of its own, [all] with the pipe to it. */
    fun ran(model: String, computing: Double, all: Double) {
        models.merge(model, computing, Double::plus)
        if (model.startsWith(STREAM)) streamPipe += all - computing else keypointPipe += all - computing
    }

    /**
     * A picture has been read.
     *
     * @param waited milliseconds until the picture was there
     */
    fun read(waited: Double, picture: PictureRead) {
        val (stream, keypoints) = models.entries.partition { it.key.startsWith(STREAM) }
        fun sum(of: List<Map.Entry<String, Double>>) = of.sumOf { it.value }
        pictures += models + mapOf(
            AROUND_KEYPOINTS to picture.keypointMilliseconds - sum(keypoints) - keypointPipe,
            AROUND_STREAM to picture.recognitionMilliseconds - sum(stream) - streamPipe,
            PIPE to keypointPipe + streamPipe,
            WAITING to waited,
        )
        models.clear()
        keypointPipe = 0.0
        streamPipe = 0.0
    }

    /** A table of the stages in Markdown: milliseconds a picture, and the share of the [video]'s milliseconds. */
    fun table(video: Double): String {
        val names = pictures.flatMap { it.keys }.distinct().sortedBy(LAST::indexOf)
        val rows = names.map { name -> row(name, pictures.map { it[name] ?: 0.0 }, video) }
        return (listOf("| stage | median ms | 95 % ms | of real time |", "| --- | ---: | ---: | ---: |") + rows)
            .joinToString("\n")
    }

    private fun row(name: String, values: List<Double>, video: Double): String {
        val share = (PERCENT * values.sum() / maxOf(video, 1.0)).roundToInt()
        return "| %s | %.2f | %.2f | %d %% |".format(name, quantile(values, MEDIAN), quantile(values, MOST), share)
    }

    private companion object {
        const val STREAM = "stream"
        const val AROUND_KEYPOINTS = "crops, decoding, regions, smoothing"
        const val AROUND_STREAM = "gaps, coordinates, CTC"
        const val PIPE = "pipe to the models"
        const val WAITING = "waiting for the picture"
        const val MEDIAN = 0.5
        const val MOST = 0.95
        const val PERCENT = 100

        /** What stands behind the models. */
        val LAST = listOf(AROUND_KEYPOINTS, AROUND_STREAM, PIPE, WAITING)
    }
}

/** The smallest of the values that a [share] of them does not exceed; 0 where there are none. */
internal fun quantile(values: List<Double>, share: Double): Double =
    values.sorted().let { it.getOrElse(maxOf(0, ceil(share * it.size).toInt() - 1)) { 0.0 } }

/** Time that reading took, and how much video there was, in milliseconds. */
class Timing(private val stages: Stages) {
    private var pictures = 0
    private var keypoints = 0.0
    private var recognition = 0.0

    /** Milliseconds of the video up to its last picture. */
    var video = 0.0
        private set

    /** A picture at [milliseconds] of the video has been read, for which the reader [waited]. */
    fun read(milliseconds: Double, waited: Double, picture: PictureRead) {
        pictures++
        keypoints += picture.keypointMilliseconds
        recognition += picture.recognitionMilliseconds
        video = maxOf(video, milliseconds)
        stages.read(waited, picture)
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
    var begin = System.nanoTime()
    for (frame in frames) {
        val waited = (System.nanoTime() - begin) / 1e6
        val read = reader.read(frame.image, frame.milliseconds.roundToLong())
        timing.read(frame.milliseconds, waited, read)
        told(read.events)
        begin = System.nanoTime()
    }
    told(reader.finish())
    return timing
}
