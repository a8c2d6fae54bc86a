package org.slrkeras.desktop

import org.slrkeras.core.frames.Frame
import org.slrkeras.core.frames.forEachFrame
import org.slrkeras.core.pipeline.FrameResult
import org.slrkeras.core.pipeline.RecognitionPipeline
import org.slrkeras.core.session.Sentence

/** Processing time and duration of a video, in milliseconds. */
class Timing(private val stages: Stages) {
    private var pictures = 0
    private var keypoints = 0.0
    private var recognition = 0.0
    private var last = 0.0

    /** Duration of the video; the last picture counts as long as the others. */
    private val video: Double get() = if (pictures > 1) last * pictures / (pictures - 1) else 0.0

    /**
     * Add one frame.
     *
     * @param decoded milliseconds of decoding, which ran in parallel
     * @param waited milliseconds until the frame arrived
     */
    fun add(frame: Frame, decoded: Double, waited: Double, result: FrameResult) {
        pictures++
        keypoints += result.keypointMilliseconds
        recognition += result.recognitionMilliseconds
        last = maxOf(last, frame.milliseconds)
        stages.endFrame(decoded, waited, result)
    }

    /** Table of the stages and the real-time factor, which is below 1 if processing keeps up with the signing. */
    fun summary(): String {
        val each = maxOf(pictures, 1)
        val factor = (keypoints + recognition) / maxOf(video, 1.0)
        val sum = "%d pictures: keypoints %.1f ms, recognition %.1f ms each; real-time factor %.2f"
            .format(pictures, keypoints / each, recognition / each, factor)
        return "${stages.table(video)}\n$sum"
    }
}

/** Print each sentence of a video as a line when it ends. */
fun printGlosses(source: ProcessVideoSource, pipeline: RecognitionPipeline, stages: Stages): Timing {
    val timing = Timing(stages)
    fun print(sentences: List<Sentence>) = sentences.forEach { println(it) }
    // The first wait includes the start of the decoder and is not counted.
    var done: Long? = null
    source.forEachFrame { frame ->
        val waited = done?.let { (System.nanoTime() - it) / 1e6 } ?: 0.0
        val result = pipeline.process(frame)
        timing.add(frame, source.decodingMilliseconds, waited, result)
        print(result.finished)
        done = System.nanoTime()
    }
    print(pipeline.finish())
    return timing
}
