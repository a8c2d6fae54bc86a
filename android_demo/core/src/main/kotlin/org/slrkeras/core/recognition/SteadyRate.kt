package org.slrkeras.core.recognition

import java.math.BigDecimal
import java.math.RoundingMode

private const val MILLISECONDS_A_SECOND = 1000L

/**
 * Resamples frames of any times to a steady rate, exactly as `slr_keras/data/rates.py`.
 *
 * A frame is shown from its own moment until the next one's. Frame n of the result is what was shown at
 * (n + 1/2) / rate, the middle of its interval. A frame of the result is known only after the next frame has come.
 *
 * @param fps frames per second of the result
 * @param longestStill maximum duration of a frame, in milliseconds
 */
internal class SteadyRate(fps: Double, private val longestStill: Long) {
    // A decimal represents any double exactly.
    private val rate = BigDecimal(fps)
    private var begin = 0L
    private var start = 0L
    private var given = 0L
    private var held: FloatArray? = null

    /** Forget all frames. */
    fun reset() {
        held = null
        given = 0
    }

    /**
     * Whether a frame at this time continues the stream: the clock has not gone backwards or paused.
     */
    fun continues(milliseconds: Long): Boolean =
        // The range is of the difference too, which overflows between the ends of time.
        held == null || milliseconds >= start && milliseconds - start in 0..longestStill

    /** Take one frame; calls [give] for each frame of the result that is known now. */
    fun push(frame: FloatArray, milliseconds: Long, give: (FloatArray) -> Unit) {
        val shown = held
        if (shown == null) {
            begin = milliseconds
        } else {
            giveUntil(milliseconds - begin, shown, give)
        }
        held = frame
        start = milliseconds
    }

    /** End the stream: the last frame is shown for one interval of [shownFps]. */
    fun finish(shownFps: Double, give: (FloatArray) -> Unit) {
        val last = held ?: return
        // The end is (start - begin) / 1000 + 1 / shownFps seconds; all is multiplied by 1000 shownFps.
        val shown = BigDecimal(shownFps)
        val scale = shown * BigDecimal(MILLISECONDS_A_SECOND)
        val end = BigDecimal(start - begin) * shown + BigDecimal(MILLISECONDS_A_SECOND)
        while (BigDecimal(2 * given + 1) * scale < BigDecimal(2) * rate * end) deliver(last, give)
        val count = (end * rate).divide(scale, 0, RoundingMode.HALF_EVEN).toLong()
        while (given < maxOf(count, 1)) deliver(last, give)
        reset()
    }

    private fun giveUntil(end: Long, frame: FloatArray, give: (FloatArray) -> Unit) {
        val bound = BigDecimal(2 * end) * rate
        while (BigDecimal(2 * given + 1) * BigDecimal(MILLISECONDS_A_SECOND) < bound) deliver(frame, give)
    }

    private fun deliver(frame: FloatArray, give: (FloatArray) -> Unit) {
        give(frame)
        given++
    }
}
