package org.slrkeras.desktop

import org.slrkeras.core.pipeline.PictureRead
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import kotlin.math.ceil
import kotlin.math.roundToInt

/**
 * Milliseconds that each stage of reading took, picture by picture.
 *
 * A stage's time is without the pipe to the models, which a phone does not have.
 *
 * @param clock nanoseconds
 */
class Stages(private val clock: () -> Long = System::nanoTime) : Stopwatch {
    private var running: Stage? = null
    private var begin = 0L
    private var pipe = 0.0
    private var keypointPipe = 0.0
    private var picture = Picture()
    private val pictures = ArrayList<Picture>()

    /** Of one picture: milliseconds by row of the table, all of it and the models alone. */
    private class Picture {
        val all = HashMap<String, Double>()
        val models = HashMap<String, Double>()
    }

    override fun begin(stage: Stage) {
        check(running == null) { "$stage begins within $running" }
        running = stage
        pipe = 0.0
        begin = clock()
    }

    override fun end(stage: Stage) {
        check(running == stage) { "$stage ends, but $running has begun" }
        picture.all.merge(stage.row, (clock() - begin) / NANOSECONDS - pipe, Double::plus)
        running = null
    }

    /** A model ran: [computing] milliseconds of its own, [all] with the pipe to it. */
    fun ran(computing: Double, all: Double) {
        val stage = running
        checkNotNull(stage) { "a model ran in no stage" }
        picture.models.merge(stage.row, computing, Double::plus)
        picture.all.merge(PIPE, all - computing, Double::plus)
        pipe += all - computing
        if (stage !in RECOGNITION) keypointPipe += all - computing
    }

    /**
     * A picture has been read.
     *
     * @param decoded milliseconds that decoding it took, beside all else
     * @param waited milliseconds until it was there
     */
    fun read(decoded: Double, waited: Double, read: PictureRead) {
        val (recognition, keypoints) = Stage.values().partition { it in RECOGNITION }
        val recognitionPipe = (picture.all[PIPE] ?: 0.0) - keypointPipe
        fun rest(whole: Double, of: List<Stage>, pipe: Double) = whole - pipe - of.sumOf { picture.all[it.row] ?: 0.0 }
        val aside = rest(read.keypointMilliseconds, keypoints, keypointPipe)
        picture.all[PREPARATION] = rest(read.recognitionMilliseconds, recognition, recognitionPipe)
        picture.all[ASIDE] = aside
        picture.all[DECODED] = decoded
        picture.all[WAITING] = waited
        pictures += picture
        picture = Picture()
        keypointPipe = 0.0
    }

    /**
     * The stages in Markdown: in how many pictures each ran, what it took in those, and its share of real time.
     *
     * @param video milliseconds that the pictures last
     */
    fun table(video: Double): String {
        val head = listOf(
            "| stage | pictures | median ms | 95 % ms | its models, median ms | of real time |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        )
        return (head + ROWS.mapNotNull { row(it, video) }).joinToString("\n")
    }

    private fun row(name: String, video: Double): String? {
        val seen = pictures.filter { name in it.all }
        if (seen.isEmpty()) return null
        val all = seen.map { it.all.getValue(name) }
        val models = seen.mapNotNull { it.models[name] }
        val share = (PERCENT * all.sum() / maxOf(video, 1.0)).roundToInt()
        val model = if (models.isEmpty()) "" else "%.2f".format(quantile(models, MEDIAN))
        return "| %s | %d | %.2f | %.2f | %s | %d %% |"
            .format(name, seen.size, quantile(all, MEDIAN), quantile(all, MOST), model, share)
    }

    private companion object {
        const val NANOSECONDS = 1e6
        const val MEDIAN = 0.5
        const val MOST = 0.95
        const val PERCENT = 100
        const val ASIDE = "all else of keypoints"
        const val PREPARATION = "recognition: rate, gaps, coordinates, rest"
        const val PIPE = "pipe to the models"
        const val DECODED = "(beside) decoding the video"
        const val WAITING = "(beside) waiting for the picture"
        val RECOGNITION = setOf(Stage.RECOGNITION_MODEL, Stage.DECODING)

        /** Of the table, in the order in which a picture comes by. */
        val ROWS = Stage.values().filterNot { it in RECOGNITION }.map { it.row } + ASIDE + PREPARATION +
            RECOGNITION.map { it.row } + PIPE + DECODED + WAITING

        val Stage.row: String
            get() = when (this) {
                Stage.RECOGNITION_MODEL -> "recognition: model"
                Stage.DECODING -> "recognition: glosses from scores"
                Stage.PALMS -> "palms in all of the picture"
                Stage.FACE -> "face: detection and landmarks"
                else -> name.lowercase().replace('_', ' ')
            }
    }
}

/** The smallest of the values that a [share] of them does not exceed; 0 where there are none. */
internal fun quantile(values: List<Double>, share: Double): Double =
    values.sorted().let { it.getOrElse(maxOf(0, ceil(share * it.size).toInt() - 1)) { 0.0 } }
