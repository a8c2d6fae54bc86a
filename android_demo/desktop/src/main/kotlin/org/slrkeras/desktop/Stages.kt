package org.slrkeras.desktop

import org.slrkeras.core.pipeline.FrameResult
import org.slrkeras.core.timing.Stage
import org.slrkeras.core.timing.Stopwatch
import kotlin.math.ceil
import kotlin.math.roundToInt

/**
 * Times of each stage, in milliseconds per picture.
 *
 * A stage's time excludes the pipe to the models, which a phone does not have.
 *
 * @param clock returns nanoseconds
 */
class Stages(private val clock: () -> Long = System::nanoTime) : Stopwatch {
    private var running: Stage? = null
    private var begin = 0L
    private var pipe = 0.0
    private var keypointPipe = 0.0
    private var picture = Times()
    private val pictures = ArrayList<Times>()

    /** Milliseconds of one picture by row of the table: in total, and of the models alone. */
    private class Times {
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

    /** Add a run of a model: [computing] milliseconds of its own, [all] with the pipe to it. */
    fun modelRan(computing: Double, all: Double) {
        val stage = running
        checkNotNull(stage) { "a model ran outside of all stages" }
        picture.models.merge(stage.row, computing, Double::plus)
        picture.all.merge(PIPE, all - computing, Double::plus)
        pipe += all - computing
        if (stage !in RECOGNITION) keypointPipe += all - computing
    }

    /**
     * End the picture.
     *
     * @param decoded milliseconds of decoding, which ran in parallel
     * @param waited milliseconds until the picture arrived
     */
    fun endFrame(decoded: Double, waited: Double, result: FrameResult) {
        val (recognition, keypoints) = Stage.values().partition { it in RECOGNITION }
        val recognitionPipe = (picture.all[PIPE] ?: 0.0) - keypointPipe
        fun rest(whole: Double, parts: List<Stage>, pipe: Double) =
            whole - pipe - parts.sumOf { picture.all[it.row] ?: 0.0 }
        val aside = rest(result.keypointMilliseconds, keypoints, keypointPipe)
        picture.all[PREPARATION] = rest(result.recognitionMilliseconds, recognition, recognitionPipe)
        picture.all[ASIDE] = aside
        picture.all[DECODED] = decoded
        picture.all[WAITING] = waited
        pictures += picture
        picture = Times()
        keypointPipe = 0.0
    }

    /**
     * The stages as a Markdown table: number of pictures, time per picture, percentage of real time.
     *
     * @param video duration of the video in milliseconds
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

        /** Rows of the table, in processing order. */
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

/** The smallest value that at least a [fraction] of the values does not exceed; 0 for an empty list. */
internal fun quantile(values: List<Double>, fraction: Double): Double =
    values.sorted().let { it.getOrElse(maxOf(0, ceil(fraction * it.size).toInt() - 1)) { 0.0 } }
