package org.slrkeras.core.session

/**
 * Admits one frame at a time: frames that come while another is processed are dropped, never queued, so that results
 * are at most one frame late.
 *
 * Safe for use from several threads.
 */
class FrameGate {
    private var busy = false
    private var lastTime = Double.NEGATIVE_INFINITY

    /** Number of admitted frames. */
    @get:Synchronized
    var passed = 0L
        private set

    /** Number of frames dropped because another was being processed. */
    @get:Synchronized
    var dropped = 0L
        private set

    /** Number of frames refused because their time was not after that of the last admitted frame. */
    @get:Synchronized
    var late = 0L
        private set

    /**
     * Ask for a frame to be processed.
     *
     * @param time time of the frame, in any unit, by any clock that goes forward
     * @return whether the frame is admitted; if so, the caller must call [leave] afterwards
     */
    @Synchronized
    fun enter(time: Double): Boolean {
        if (busy) {
            dropped++
            return false
        }
        if (time.isNaN() || time <= lastTime) {
            late++
            return false
        }
        busy = true
        lastTime = time
        passed++
        return true
    }

    /** The admitted frame has been processed. */
    @Synchronized
    fun leave() {
        busy = false
    }

    /** Another source begins, with a clock of its own: its first frame may have any time. */
    @Synchronized
    fun restart() {
        lastTime = Double.NEGATIVE_INFINITY
    }
}
