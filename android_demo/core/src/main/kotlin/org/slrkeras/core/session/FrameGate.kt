package org.slrkeras.core.session

/**
 * Lets a frame pass only while none is being worked on: what comes meanwhile is dropped, never queued, so that what
 * is shown is never older than one frame's work.
 *
 * Safe for use from several threads.
 */
class FrameGate {
    private var busy = false
    private var lastTime = Double.NEGATIVE_INFINITY

    /** Frames that passed. */
    @get:Synchronized
    var passed = 0L
        private set

    /** Frames that were dropped because the one before was still being worked on. */
    @get:Synchronized
    var dropped = 0L
        private set

    /** Frames that were refused because their time was not after that of the frame before. */
    @get:Synchronized
    var late = 0L
        private set

    /**
     * Ask for a frame to be worked on; [leave] must follow if it may.
     *
     * @param time when it was taken, of any clock that goes forward
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

    /** The frame is done. */
    @Synchronized
    fun leave() {
        busy = false
    }

    /** A new source begins, with a clock of its own: its first frame may bear any time. */
    @Synchronized
    fun restart() {
        lastTime = Double.NEGATIVE_INFINITY
    }
}
